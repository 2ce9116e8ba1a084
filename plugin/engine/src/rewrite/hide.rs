//! The chunk that holds nothing but usage, taken out of an event stream.
//!
//! An event is held from its first byte until it cannot be that chunk any more, which nearly always is at its first
//! choice, and never longer than to the end of its document. All else passes as it stands, comments, errors and the
//! last mark among them.
//!
//! What is held when trailers end the stream is lost, since a proxy takes no more of a body then: the chunk itself, or
//! an event without an end, which is none (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use llm_gauge_decode::{Buffer, MemoryBudget};

use super::look::Look;
use crate::limits::HELD_EVENT_BYTES_MAX;
use crate::scan::{Sse, SseSink};

/// Fields of an event; a line that begins otherwise is none of an event stream, and is let go.
const FIELDS: &[&[u8]] = &[b"data", b"event", b"id", b"retry"];

/// A stream from which the usage chunk is taken out.
#[derive(Debug)]
pub(super) struct Hide {
    fate: Fate,
    /// The event so far, while it may be the chunk.
    held: Buffer,
    sse: Sse,
    /// The data of the event.
    event: Look,
    is_line_begun: bool,
    /// The last line ended in CR: an LF that follows belongs to it.
    after_cr: bool,
    /// The last line was taken out, and so is what belongs to it.
    was_hidden: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// No line of an event has begun.
    Between,
    Held,
    Passing,
}

impl Hide {
    /// A stream that has not begun.
    pub(super) fn new(memory: &MemoryBudget) -> Self {
        Self {
            fate: Fate::Between,
            held: memory.buffer(),
            sse: Sse::default(),
            event: Look::for_usage_chunk(),
            is_line_begun: false,
            after_cr: false,
            was_hidden: false,
        }
    }

    /// What passes in the place of `bytes`; `None`: just those. At the `end` nothing stays held.
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
        if end && self.fate == Fate::Held {
            self.settle(&mut out);
        }
        // Nothing is ever added or moved: as much as came is what came.
        (held_before || out.len() != bytes.len()).then_some(out)
    }

    /// The bytes that are held, of a stream that nothing more is taken out of.
    pub(super) fn into_held(self) -> Vec<u8> {
        self.held.bytes().to_vec()
    }

    /// A line or a part of one; a line's end is its last byte.
    fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mark = piece.last().copied().filter(|last| matches!(last, b'\n' | b'\r'));
        let is_second_half = core::mem::take(&mut self.after_cr) && piece == b"\n";
        if is_second_half {
            match self.fate {
                Fate::Held => self.keep(piece, out),
                Fate::Between if self.was_hidden => {}
                _ => out.extend_from_slice(piece),
            }
            return;
        }
        self.after_cr = mark == Some(b'\r');
        let is_blank = !self.is_line_begun && mark.is_some() && piece.len() == 1;
        if self.fate == Fate::Between && !self.is_line_begun {
            self.was_hidden = false;
            if !is_blank && piece.first() != Some(&b':') {
                self.begin();
            }
        }
        self.is_line_begun = mark.is_none();
        match self.fate {
            Fate::Held if is_blank => {
                self.keep(piece, out);
                self.settle(out);
            }
            Fate::Held => self.hold(piece, out),
            Fate::Between | Fate::Passing => {
                out.extend_from_slice(piece);
                if is_blank {
                    self.fate = Fate::Between;
                }
            }
        }
    }

    fn begin(&mut self) {
        self.fate = Fate::Held;
        self.sse = Sse::default();
        self.event.reset();
    }

    /// Keeps a piece of the event; where there is no memory for it, the event passes.
    fn keep(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        if self.held.extend(piece).is_err() {
            self.pass(out);
            out.extend_from_slice(piece);
        }
    }

    fn pass(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.held.bytes());
        self.held.clear();
        self.fate = Fate::Passing;
    }

    fn hold(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.keep(piece, out);
        if self.fate == Fate::Passing {
            return;
        }
        self.sse.feed(piece, &mut self.event);
        let held = self.held.bytes();
        let is_field = FIELDS.iter().any(|field| held.starts_with(field) || field.starts_with(held));
        let is_other = self.event.is_other() || self.event.is_whole_other();
        if is_other || !is_field || held.len() > HELD_EVENT_BYTES_MAX {
            self.pass(out);
        }
    }

    /// The event is complete.
    fn settle(&mut self, out: &mut Vec<u8>) {
        self.was_hidden = self.fate == Fate::Held && self.event.is_usage_chunk();
        if !self.was_hidden {
            out.extend_from_slice(self.held.bytes());
        }
        self.held.clear();
        self.fate = Fate::Between;
    }
}

impl SseSink for Look {
    fn data(&mut self, bytes: &[u8]) {
        self.feed(bytes);
    }

    fn dispatch(&mut self) {}
}

#[cfg(test)]
mod tests;
