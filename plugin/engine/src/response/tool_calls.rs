//! The tool calls that a stream sends in pieces.
//!
//! The first piece of a call is one with an index that its choice has not had, or with an id of its own and a name at a
//! known index, since some servers give all calls the index 0. Servers that send no index repeat the id or the name.

use llm_gauge_decode::{MemoryBudget, Reservation};

use super::event::{EventValue, PendingEvent};
use crate::formats::ResponseField;
use crate::limits::TOOL_CALLS_MAX;
use crate::record::Gap;
use crate::scan::At;

/// The calls whose pieces have arrived.
#[derive(Debug)]
pub(super) struct ToolCallPieces {
    calls: Vec<StartedCall>,
    memory: Reservation,
    /// The number of calls.
    count: u32,
}

#[derive(Clone, Copy, Debug)]
struct StartedCall {
    choice: u32,
    index: Option<u64>,
    /// The hash of the last id; `None` before an id arrives.
    id: Option<u64>,
}

/// The values of one piece.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    at: At,
    index: Option<u64>,
    id: Option<u64>,
    has_name: bool,
}

impl ToolCallPieces {
    pub(super) fn new(memory: &MemoryBudget) -> Self {
        Self { calls: Vec::new(), memory: memory.reservation(), count: 0 }
    }

    /// Returns the number of calls.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Adds the pieces of a document.
    ///
    /// # Errors
    ///
    /// Fails if there are more calls than the bound, or the memory budget has no room for one.
    pub(super) fn add(&mut self, event: &PendingEvent) -> Result<(), Gap> {
        let mut piece: Option<Piece> = None;
        for (field, at, value) in event.values() {
            if !matches!(field, ResponseField::ToolIndex | ResponseField::ToolId | ResponseField::ToolName) {
                continue;
            }
            if piece.is_some_and(|piece| piece.at != at) {
                self.add_piece(event, piece.take())?;
            }
            let piece = piece.get_or_insert(Piece { at, ..Piece::default() });
            match (field, value) {
                (ResponseField::ToolIndex, value) => piece.index = value.count(),
                (ResponseField::ToolId, EventValue::Text(id)) if !id.is_empty() => piece.id = Some(hash(id)),
                (ResponseField::ToolName, _) => piece.has_name = true,
                _ => {}
            }
        }
        self.add_piece(event, piece)
    }

    fn add_piece(&mut self, event: &PendingEvent, piece: Option<Piece>) -> Result<(), Gap> {
        let Some(Piece { at, index, id, has_name }) = piece else {
            return Ok(());
        };
        let choice = event.choice_number(at.outer).unwrap_or(at.outer);
        let mut calls = self.calls.iter_mut().filter(|call| call.choice == choice);
        let known = match (index, id) {
            (Some(_), _) => calls.find(|call| call.index == index),
            (None, Some(_)) => calls.find(|call| call.id == id),
            (None, None) => None,
        };
        match known {
            Some(call) if id.is_none() || call.id == id => return Ok(()),
            Some(call) if call.id.is_none() || !has_name => {
                call.id = call.id.or(id);
                return Ok(());
            }
            Some(call) => call.id = id,
            None if index.is_none() && id.is_none() && !has_name => return Ok(()),
            None => self.remember(StartedCall { choice, index, id })?,
        }
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    fn remember(&mut self, call: StartedCall) -> Result<(), Gap> {
        // Calls that nothing identifies need no place.
        if call.index.is_none() && call.id.is_none() {
            return Ok(());
        }
        if self.calls.len() >= TOOL_CALLS_MAX {
            return Err(Gap::TooManyValues);
        }
        self.memory.make_room(&mut self.calls, 1).map_err(|_| Gap::Memory)?;
        self.calls.push(call);
        Ok(())
    }
}

fn hash(text: &str) -> u64 {
    let mix =
        |hash: u64, byte: u8| (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517C_C1B7_2722_0A95);
    text.bytes().fold(0, mix)
}
