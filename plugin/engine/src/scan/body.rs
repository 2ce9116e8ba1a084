//! A body: which framing it has, and the documents in it.

use super::{Ended, Fault, Json, Paths, Sink, Sse, SseSink};
use crate::record::Gap;

/// How documents lie in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Not known before the first byte that is not white space.
    Unknown,
    /// JSON documents one after the other: one for a unary answer, one a line for NDJSON.
    Json,
    /// Server-sent events, each with one JSON document or the mark `[DONE]`.
    Sse,
    /// Nothing this meter reads.
    Opaque,
}

/// Takes the documents of a body.
pub trait Documents: Sink {
    /// The values since the last call belong to one whole document.
    fn document(&mut self);
    /// The values since the last call belong to a document that was not whole.
    fn discard(&mut self);
    /// The event `[DONE]`.
    fn done_mark(&mut self);
    /// Something could not be read.
    fn gap(&mut self, gap: Gap);
}

/// The mark with which OpenAI's streams end, and with them those of most providers.
const DONE_MARK: &[u8] = b"[DONE]";

/// Reads one body.
#[derive(Debug)]
pub struct Body {
    framing: Framing,
    /// The content type said that this is an event stream.
    announced_sse: bool,
    json: Json,
    sse: Sse,
    event: Event,
    event_bytes_max: u64,
}

/// Where the current event, or the one JSON body, stands.
#[derive(Debug, Default)]
struct Event {
    bytes: u64,
    /// How many bytes of [`DONE_MARK`] the event's data has matched so far, and nothing else came.
    done_matched: usize,
    /// A document of the JSON body is complete.
    has_document: bool,
    /// Nothing more of it is read.
    dead: bool,
}

impl Body {
    /// A body about which the head said this much.
    pub fn new(announced_sse: bool, event_bytes_max: u64) -> Self {
        Self {
            framing: Framing::Unknown,
            announced_sse,
            json: Json::default(),
            sse: Sse::default(),
            event: Event::default(),
            event_bytes_max,
        }
    }

    /// The framing as far as it is known.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the body is JSON and its document is complete: what may follow is white space.
    pub fn is_whole(&self) -> bool {
        self.framing == Framing::Json && self.event.has_document && !self.event.dead
    }

    /// Reads on.
    pub fn feed<D: Documents>(&mut self, bytes: &[u8], paths: &Paths, documents: &mut D) {
        let mut rest = bytes;
        while self.framing == Framing::Unknown {
            let Some((&byte, tail)) = rest.split_first() else {
                return;
            };
            match self.recognise(byte) {
                Some(framing) => self.framing = framing,
                None => rest = tail,
            }
            if self.framing == Framing::Opaque {
                documents.gap(Gap::NotJson);
            }
        }
        match self.framing {
            Framing::Json => self.event.feed_json(&mut self.json, rest, paths, documents),
            Framing::Sse => {
                let mut events = Events {
                    json: &mut self.json,
                    event: &mut self.event,
                    event_bytes_max: self.event_bytes_max,
                    paths,
                    documents,
                };
                self.sse.feed(rest, &mut events);
            }
            Framing::Unknown | Framing::Opaque => {}
        }
    }

    /// The body has ended here. A last event without its empty line counts if its document is whole: servers
    /// that forget the line are commoner than streams cut exactly there.
    pub fn finish<D: Documents>(&mut self, paths: &Paths, documents: &mut D) {
        let inside = match self.framing {
            Framing::Json => true,
            Framing::Sse => self.sse.is_inside_event(),
            Framing::Unknown | Framing::Opaque => false,
        };
        if inside && !self.event.dead {
            let ended = self.event.finish(&mut self.json, paths, documents);
            if ended == Ended::Incomplete {
                documents.gap(Gap::Truncated);
            }
        }
    }

    /// What the first byte that means something says; it outranks the content type, which gateways and
    /// error pages get wrong. White space and a byte-order mark say nothing.
    fn recognise(&self, byte: u8) -> Option<Framing> {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' | 0xEF | 0xBB | 0xBF => None,
            b'{' | b'[' => Some(Framing::Json),
            b'<' => Some(Framing::Opaque),
            _ if self.announced_sse => Some(Framing::Sse),
            // The first letters of data, event, id, retry and of a comment.
            b'd' | b'e' | b'i' | b'r' | b':' => Some(Framing::Sse),
            b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => Some(Framing::Json),
            _ => Some(Framing::Opaque),
        }
    }
}

impl Event {
    fn feed_json<D: Documents>(&mut self, json: &mut Json, bytes: &[u8], paths: &Paths, documents: &mut D) {
        let mut rest = bytes;
        while !self.dead && !rest.is_empty() {
            match json.feed(rest, paths, documents) {
                Ok(left) => rest = left,
                Err(fault) => return self.fail(fault.into(), documents),
            }
            if json.is_done() {
                self.has_document = true;
                documents.document();
                json.reset();
            }
        }
    }

    fn fail<D: Documents>(&mut self, gap: Gap, documents: &mut D) {
        self.dead = true;
        documents.discard();
        documents.gap(gap);
    }

    /// The document, if it is whole by now.
    fn finish<D: Documents>(&mut self, json: &mut Json, paths: &Paths, documents: &mut D) -> Ended {
        if self.done_matched == DONE_MARK.len() {
            documents.done_mark();
            return Ended::Complete;
        }
        let ended = if self.done_matched > 0 { Ended::Incomplete } else { json.finish(paths, documents) };
        match ended {
            Ended::Complete => documents.document(),
            Ended::Incomplete => documents.discard(),
            Ended::Empty => {}
        }
        ended
    }
}

/// Puts the data of events into the JSON scanner, one document an event.
struct Events<'a, D> {
    json: &'a mut Json,
    event: &'a mut Event,
    event_bytes_max: u64,
    paths: &'a Paths,
    documents: &'a mut D,
}

impl<D: Documents> Events<'_, D> {
    /// Takes the bytes that could still be `[DONE]`; returns the others.
    fn after_done_mark<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if self.event.bytes > u64::try_from(self.event.done_matched).unwrap_or(u64::MAX) {
            return bytes;
        }
        let expected = DONE_MARK.get(self.event.done_matched..).unwrap_or_default();
        let pairs = expected.iter().zip(bytes);
        let matched = pairs.take_while(|(expected, byte)| expected == byte).count();
        self.event.done_matched = self.event.done_matched.saturating_add(matched);
        bytes.get(matched..).unwrap_or_default()
    }

    fn read(&mut self, bytes: &[u8]) {
        if self.event.dead {
            return;
        }
        let rest = self.after_done_mark(bytes);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.event.bytes = self.event.bytes.saturating_add(length);
        let is_mark = self.event.done_matched == DONE_MARK.len();
        if rest.is_empty() || (is_mark && rest.iter().all(u8::is_ascii_whitespace)) {
            return;
        }
        // What looked like the mark was the beginning of a document.
        let held = core::mem::take(&mut self.event.done_matched);
        let held = DONE_MARK.get(..held).unwrap_or_default();
        for part in [held, rest] {
            match self.json.feed(part, self.paths, self.documents) {
                Ok([]) => {}
                Ok(left) if left.iter().all(u8::is_ascii_whitespace) => {}
                Ok(_) => return self.event.fail(Gap::Malformed, self.documents),
                Err(fault) => return self.event.fail(fault.into(), self.documents),
            }
        }
    }
}

impl<D: Documents> SseSink for Events<'_, D> {
    fn data(&mut self, bytes: &[u8]) {
        let room = self.event_bytes_max.saturating_sub(self.event.bytes);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        // What fits is read first: where the event's bytes were cut must not decide which gap is seen.
        let (within, beyond) = bytes.split_at_checked(room).unwrap_or((bytes, b""));
        self.read(within);
        if !beyond.is_empty() && !self.event.dead {
            self.event.fail(Gap::EventTooLarge, self.documents);
        }
    }

    fn dispatch(&mut self) {
        if !self.event.dead {
            let ended = self.event.finish(self.json, self.paths, self.documents);
            if ended == Ended::Incomplete {
                self.documents.gap(Gap::Malformed);
            }
        }
        *self.event = Event::default();
        self.json.reset();
    }
}

impl From<Fault> for Gap {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed => Self::Malformed,
            Fault::TooDeep => Self::TooDeep,
        }
    }
}

#[cfg(test)]
mod tests;
