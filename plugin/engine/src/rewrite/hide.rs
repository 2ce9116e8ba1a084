//! The chunk that holds nothing but usage, taken out of an event stream.
//!
//! An event is held from its first byte until it cannot be that chunk any more, which nearly always is at its first
//! choice: what does not end an event is of no use to a client anyway. All else passes as it stands, comments,
//! errors and the last mark among them.

use crate::limits::HELD_EVENT_BYTES_MAX;
use crate::scan::{At, Json, NodeId, Paths, Scalar, Sink, Sse, SseSink};

/// Fields of an event; a line that begins otherwise is none of an event stream, and is let go.
const FIELDS: &[&[u8]] = &[b"data", b"event", b"id", b"retry"];

/// Numbers of the wanted places.
const CHOICES: u16 = 0;
const CHOICE: u16 = 1;
const USAGE: u16 = 2;
const ERROR: u16 = 3;

/// A stream from which the usage chunk is taken out.
#[derive(Debug)]
pub(super) struct Hide {
    fate: Fate,
    /// The event so far, while it may be the chunk.
    held: Vec<u8>,
    sse: Sse,
    event: Event,
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

/// The data of one event.
#[derive(Debug)]
struct Event {
    json: Json,
    paths: Paths,
    seen: Seen,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    choices: bool,
    usage: bool,
    /// A choice, an error, or no JSON: not the chunk.
    other: bool,
}

impl Default for Hide {
    fn default() -> Self {
        let mut paths = Paths::default();
        for (path, number) in
            [("choices", CHOICES), ("choices[]", CHOICE), ("usage", USAGE), ("error", ERROR)]
        {
            paths.add(path, number, 0, false);
        }
        Self {
            fate: Fate::Between,
            held: Vec::new(),
            sse: Sse::default(),
            event: Event { json: Json::default(), paths, seen: Seen::default() },
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
        self.event.json.reset();
        self.event.seen = Seen::default();
    }

    fn hold(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(piece);
        self.sse.feed(piece, &mut self.event);
        let held = self.held.as_slice();
        let is_field = FIELDS.iter().any(|field| held.starts_with(field) || field.starts_with(held));
        if self.event.seen.other || !is_field || held.len() > HELD_EVENT_BYTES_MAX {
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

impl Event {
    fn is_usage_chunk(&self) -> bool {
        self.json.is_done() && self.seen.choices && self.seen.usage && !self.seen.other
    }
}

impl SseSink for Event {
    fn data(&mut self, bytes: &[u8]) {
        let rest = self.json.feed(bytes, &self.paths, &mut Look { paths: &self.paths, seen: &mut self.seen });
        self.seen.other |= !rest.is_ok_and(|rest| rest.iter().all(u8::is_ascii_whitespace));
    }

    fn dispatch(&mut self) {}
}

struct Look<'a> {
    paths: &'a Paths,
    seen: &'a mut Seen,
}

impl Look<'_> {
    fn look(&mut self, node: NodeId, is_open: bool, is_null: bool) {
        let rules = self.paths.node(node).map(crate::scan::Node::rules).unwrap_or_default();
        match rules.first() {
            Some(&CHOICES) => self.seen.choices |= is_open,
            Some(&USAGE) => self.seen.usage |= is_open,
            Some(&ERROR) => self.seen.other |= !is_null,
            _ => self.seen.other = true,
        }
    }
}

impl Sink for Look<'_> {
    fn open(&mut self, node: NodeId, _at: At) {
        self.look(node, true, false);
    }

    fn scalar(&mut self, node: NodeId, _at: At, value: Scalar<'_>) {
        self.look(node, false, value == Scalar::Null);
    }

    fn flow(&mut self, _node: NodeId, _at: At, _piece: &[u8]) {}
}

#[cfg(test)]
mod tests;
