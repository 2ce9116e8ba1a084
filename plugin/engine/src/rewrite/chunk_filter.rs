//! Removes the chunk that holds nothing but usage from an event stream.
//!
//! An event is held from its first byte until it cannot be that chunk, which is nearly always at its first choice,
//! and never longer than to the end of its document. Everything else passes unchanged, comments, errors and the end
//! marker included.
//!
//! Bytes that are held when trailers end the stream are lost, since the proxy accepts no more body then. They are the
//! chunk itself, or an event without an end, which clients must ignore
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use llm_gauge_decode::{Buffer, MemoryBudget};

use super::chunk_probe::ChunkProbe;
use crate::limits::HELD_EVENT_BYTES_MAX;
use crate::scan::{Sse, SseSink};

/// The fields of an event. A line that begins with anything else is not of an event stream, so its bytes pass.
const FIELDS: &[&[u8]] = &[b"data", b"event", b"id", b"retry"];

/// A filter that removes the usage chunk from a stream.
#[derive(Debug)]
pub(super) struct UsageChunkFilter {
    state: EventState,
    /// The event so far, while it may be the usage chunk.
    held: Buffer,
    sse: Sse,
    /// The document in the event's data.
    event: ChunkProbe,
    is_line_begun: bool,
    /// Whether the last line ended in CR. An LF that follows belongs to that line end.
    after_cr: bool,
    /// Whether the last line was removed. The LF of its line end is then removed too.
    was_removed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventState {
    /// No event has begun.
    Between,
    Held,
    Passing,
}

impl UsageChunkFilter {
    /// Returns the filter of a stream that has not begun.
    pub(super) fn new(memory: &MemoryBudget) -> Self {
        Self {
            state: EventState::Between,
            held: memory.buffer(),
            sse: Sse::default(),
            event: ChunkProbe::for_usage_chunk(),
            is_line_begun: false,
            after_cr: false,
            was_removed: false,
        }
    }

    /// Returns the bytes to pass instead of `bytes`. `None` if `bytes` pass unchanged. At the `end` no bytes remain
    /// held.
    pub(super) fn feed(&mut self, bytes: &[u8], end: bool) -> Option<Vec<u8>> {
        let held_before = !self.held.is_empty();
        let mut out = Vec::with_capacity(bytes.len().saturating_add(self.held.len()));
        let mut rest = bytes;
        while !rest.is_empty() {
            let line_end = memchr::memchr2(b'\n', b'\r', rest);
            let length = line_end.map_or(rest.len(), |at| at.saturating_add(1));
            let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, b""));
            self.piece(piece, &mut out);
            rest = after;
        }
        if end && self.state == EventState::Held {
            self.settle(&mut out);
        }
        // Bytes are never added or reordered, so an output of the same length is the same bytes.
        (held_before || out.len() != bytes.len()).then_some(out)
    }

    /// Returns the held bytes, for a stream from which no more is removed.
    pub(super) fn into_held(self) -> Vec<u8> {
        self.held.bytes().to_vec()
    }

    /// Reads a line or a part of one. The line end is the last byte of a piece.
    fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mark = piece.last().copied().filter(|last| matches!(last, b'\n' | b'\r'));
        let is_second_half = core::mem::take(&mut self.after_cr) && piece == b"\n";
        if is_second_half {
            match self.state {
                EventState::Held => self.keep(piece, out),
                EventState::Between if self.was_removed => {}
                _ => out.extend_from_slice(piece),
            }
            return;
        }
        self.after_cr = mark == Some(b'\r');
        let is_blank = !self.is_line_begun && mark.is_some() && piece.len() == 1;
        if self.state == EventState::Between && !self.is_line_begun {
            self.was_removed = false;
            if !is_blank && piece.first() != Some(&b':') {
                self.begin();
            }
        }
        self.is_line_begun = mark.is_none();
        match self.state {
            EventState::Held if is_blank => {
                self.keep(piece, out);
                self.settle(out);
            }
            EventState::Held => self.hold(piece, out),
            EventState::Between | EventState::Passing => {
                out.extend_from_slice(piece);
                if is_blank {
                    self.state = EventState::Between;
                }
            }
        }
    }

    fn begin(&mut self) {
        self.state = EventState::Held;
        self.sse = Sse::default();
        self.event.reset();
    }

    /// Holds a piece of the event. If the memory budget has no room for it, the event passes.
    fn keep(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        if self.held.extend(piece).is_err() {
            self.pass(out);
            out.extend_from_slice(piece);
        }
    }

    fn pass(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.held.bytes());
        self.held.clear();
        self.state = EventState::Passing;
    }

    fn hold(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.keep(piece, out);
        if self.state == EventState::Passing {
            return;
        }
        self.sse.feed(piece, &mut self.event);
        let held = self.held.bytes();
        let is_field = FIELDS.iter().any(|field| held.starts_with(field) || field.starts_with(held));
        let is_ruled_out = self.event.is_ruled_out() || self.event.is_complete_other();
        if is_ruled_out || !is_field || held.len() > HELD_EVENT_BYTES_MAX {
            self.pass(out);
        }
    }

    /// Ends the event: the usage chunk is removed, and any other event passes.
    fn settle(&mut self, out: &mut Vec<u8>) {
        self.was_removed = self.state == EventState::Held && self.event.is_usage_chunk();
        if !self.was_removed {
            out.extend_from_slice(self.held.bytes());
        }
        self.held.clear();
        self.state = EventState::Between;
    }
}

impl SseSink for ChunkProbe {
    fn data(&mut self, bytes: &[u8]) {
        self.feed(bytes);
    }

    fn dispatch(&mut self) {}
}

#[cfg(test)]
mod tests;
