//! The chunk that holds nothing but usage, taken out of an event stream.
//!
//! An event is held from its first byte until it cannot be that chunk any more, which nearly always is at its first
//! choice, and never longer than to the end of its document. All else passes as it stands, comments, errors and the
//! last mark among them.
//!
//! What is held when trailers end the stream is lost, since a proxy takes no more of a body then: the chunk itself, or
//! an event without an end, which is none (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

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
    held: Vec<u8>,
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

impl Default for Hide {
    fn default() -> Self {
        Self {
            fate: Fate::Between,
            held: Vec::new(),
            sse: Sse::default(),
            event: Look::for_usage_chunk(),
            is_line_begun: false,
            after_cr: false,
            was_hidden: false,
        }
    }
}

impl Hide {
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

    /// A line or a part of one; a line's end is its last byte.
    fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mark = piece.last().copied().filter(|last| matches!(last, b'\n' | b'\r'));
        let is_second_half = core::mem::take(&mut self.after_cr) && piece == b"\n";
        if is_second_half {
            match self.fate {
                Fate::Held => self.held.extend_from_slice(piece),
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
                self.held.extend_from_slice(piece);
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

    fn hold(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(piece);
        self.sse.feed(piece, &mut self.event);
        let held = self.held.as_slice();
        let is_field = FIELDS.iter().any(|field| held.starts_with(field) || field.starts_with(held));
        let is_other = self.event.is_other() || self.event.is_whole_other();
        if is_other || !is_field || held.len() > HELD_EVENT_BYTES_MAX {
            out.append(&mut self.held);
            self.fate = Fate::Passing;
        }
    }

    /// The event is complete.
    fn settle(&mut self, out: &mut Vec<u8>) {
        self.was_hidden = self.event.is_usage_chunk();
        if !self.was_hidden {
            out.extend_from_slice(&self.held);
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
