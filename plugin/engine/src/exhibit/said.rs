//! The answer, from a response.

use llm_gauge_decode::{Buffer, MemoryBudget};

use super::{Lost, Text};
use crate::limits::VALUES_PER_DOCUMENT_MAX;

/// Where a piece of a response's text stands, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Ordinals in the outermost and the innermost array around it.
    pub at: (u32, u32),
    /// It counts in documents of this kind only.
    pub kind: Option<&'static str>,
    /// It is of a whole answer, not a delta.
    pub is_whole: bool,
    /// The outermost array is that of choices.
    pub is_in_choice: bool,
}

/// What is kept of a response.
#[derive(Debug)]
pub struct Said {
    chars_max: usize,
    /// The pieces of the document under way, each with where it ends in `bytes`.
    pieces: Vec<(Piece, usize)>,
    bytes: Buffer,
    memory: MemoryBudget,
    /// Places of that document that are not visible.
    hidden: Vec<(u32, u32)>,
    /// The first choice that spoke.
    choice: Option<u32>,
    deltas: Text,
    whole: Text,
    lost: Option<Lost>,
}

impl Said {
    /// Nothing has come.
    pub fn new(chars_max: usize, memory: &MemoryBudget) -> Self {
        Self {
            chars_max,
            pieces: Vec::new(),
            bytes: memory.buffer(),
            memory: memory.clone(),
            hidden: Vec::new(),
            choice: None,
            deltas: Text::new(memory),
            whole: Text::new(memory),
            lost: None,
        }
    }

    /// A piece of a text of the document under way.
    pub fn text(&mut self, piece: Piece, text: &[u8]) {
        // A stream that repeats its whole answer has it already.
        if self.lost.is_some() || (piece.is_whole && !self.deltas.is_empty()) {
            return;
        }
        let bytes = self.bytes.len().saturating_add(text.len());
        if bytes > self.chars_max.saturating_mul(4) || self.pieces.len() >= VALUES_PER_DOCUMENT_MAX {
            return self.lose(Lost::TooLarge);
        }
        if self.bytes.extend(text).is_err() {
            return self.lose(Lost::NoMemory);
        }
        match self.pieces.last_mut() {
            Some((last, end)) if *last == piece => *end = bytes,
            _ => self.pieces.push((piece, bytes)),
        }
    }

    /// What stands at this place of the document is not visible.
    pub fn hide(&mut self, at: (u32, u32)) {
        if self.hidden.len() < VALUES_PER_DOCUMENT_MAX {
            self.hidden.push(at);
        } else {
            self.lose(Lost::TooLarge);
        }
    }

    /// Keeps nothing more.
    fn lose(&mut self, lost: Lost) {
        self.lost.get_or_insert(lost);
        self.discard();
        self.bytes.clear_to(0);
    }

    /// The document under way is whole: its kind, and the numbers that its choices say, by their ordinals.
    pub fn document(&mut self, kind: &str, numbers: impl Fn(u32) -> Option<u32>) {
        let (mut from, mut has_whole) = (0, false);
        for (piece, end) in core::mem::take(&mut self.pieces) {
            let text = self.bytes.bytes().get(from..end).unwrap_or_default();
            from = end;
            let is_of_kind = piece.kind.is_none_or(|wanted| wanted == kind);
            if !is_of_kind || self.hidden.contains(&piece.at) {
                continue;
            }
            if piece.is_in_choice {
                let number = numbers(piece.at.0).unwrap_or(piece.at.0);
                if *self.choice.get_or_insert(number) != number {
                    continue;
                }
            }
            if piece.is_whole {
                // The last whole answer counts.
                if !core::mem::replace(&mut has_whole, true) {
                    self.whole = Text::new(&self.memory);
                }
                self.whole.push(text, self.chars_max);
            } else {
                self.deltas.push(text, self.chars_max);
            }
        }
        self.discard();
    }

    /// The document under way counts for nothing.
    pub fn discard(&mut self) {
        self.pieces.clear();
        self.bytes.clear();
        self.hidden.clear();
    }

    /// The answer.
    ///
    /// # Errors
    ///
    /// It was lost.
    pub fn finish(self) -> Result<String, Lost> {
        if let Some(lost) = self.lost {
            return Err(lost);
        }
        let text = if self.deltas.is_empty() { self.whole } else { self.deltas };
        text.to_text()
    }
}
