//! A body: which framing it has, and the documents in it.

mod events;
mod framed;

use llm_gauge_decode::{Bounds, DecodeError, Decoder};

use super::{Ended, Fault, Json, Paths, Sink, Sse};
use crate::record::Gap;
use events::Events;
use framed::Framed;

/// How documents lie in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Not known before the first byte that is not white space.
    Unknown,
    /// JSON documents one after the other: one for a unary answer, one a line for NDJSON.
    Json,
    /// A JSON array whose elements are the documents.
    Array,
    /// Server-sent events, each with one JSON document or the mark `[DONE]`.
    Sse,
    /// AWS event stream frames, each with one JSON document or a part of a body.
    Frames,
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
    /// The event is an exception of this type; its document, if it had one, came before.
    fn exception(&mut self, kind: &[u8]);
    /// Something could not be read.
    fn gap(&mut self, gap: Gap);
}

/// The mark with which OpenAI's streams end, and with them those of most providers.
const DONE_MARK: &[u8] = b"[DONE]";

/// What is known of a body before its first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// The content type says that it is an event stream.
    pub sse: bool,
    /// The format's arrays are streams: their elements are documents.
    pub array_is_stream: bool,
}

/// Where a JSON array of documents is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Array {
    #[default]
    Before,
    Between,
    Inside,
    After,
}

/// Reads one body.
#[derive(Debug)]
pub struct Body {
    /// Not there while the bytes are as they are meant.
    decoder: Option<Decoder>,
    framing: Framing,
    head: Announced,
    json: Json,
    sse: Sse,
    framed: Option<Box<Framed>>,
    /// Its bytes are payloads of frames: it has none itself.
    is_joined: bool,
    array: Array,
    event: Event,
    event_bytes_max: u64,
    /// The content encoding broke: nothing more can be read.
    has_failed: bool,
}

/// Where the current event, or the one JSON body, stands.
#[derive(Debug, Default)]
struct Event {
    bytes: u64,
    /// How many bytes of [`DONE_MARK`] the event's data has matched so far, and nothing else came.
    done_matched: usize,
    /// Documents of a JSON body that are complete.
    documents: u32,
    /// Nothing more of it is read.
    dead: bool,
}

impl Body {
    /// A body about which the head said this much.
    pub fn new(head: Announced, event_bytes_max: u64) -> Self {
        Self {
            decoder: None,
            framing: Framing::Unknown,
            head,
            json: Json::default(),
            sse: Sse::default(),
            framed: None,
            is_joined: false,
            array: Array::default(),
            event: Event::default(),
            event_bytes_max,
            has_failed: false,
        }
    }

    /// The same body in these content encodings, decoded within `bounds`; `None` if one of them is not known here.
    pub fn encoded(self, content_encoding: &[u8], bounds: Bounds) -> Option<Self> {
        let decoder = Some(Decoder::new(content_encoding, bounds)?);
        Some(Self { decoder, ..self })
    }

    /// The framing as far as it is known.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the body is JSON and complete: what may follow is white space.
    pub fn is_whole(&self) -> bool {
        let is_whole = match self.framing {
            Framing::Json => self.event.documents > 0,
            Framing::Array => self.array == Array::After,
            _ => false,
        };
        is_whole && !self.event.dead
    }

    /// Whether its content encoding broke, so that nothing is known of the rest.
    pub fn is_blind(&self) -> bool {
        self.has_failed
    }

    /// Whether its documents come one by one as they are made.
    pub fn is_stream(&self) -> bool {
        match self.framing {
            Framing::Sse | Framing::Frames | Framing::Array => true,
            // NDJSON: one document a line.
            Framing::Json => self.event.documents > 1,
            Framing::Unknown | Framing::Opaque => false,
        }
    }

    /// Reads on.
    pub fn feed<D: Documents>(&mut self, bytes: &[u8], paths: &Paths, documents: &mut D) {
        let Some(mut decoder) = self.decoder.take() else {
            return self.feed_decoded(bytes, paths, documents);
        };
        let decoded = decoder.feed(bytes, &mut |piece| self.feed_decoded(piece, paths, documents));
        self.decoder = Some(decoder);
        if let Err(error) = decoded {
            self.fail(error, documents);
        }
    }

    /// What was read before the encoding broke stands; the document it broke in does not.
    fn fail<D: Documents>(&mut self, error: DecodeError, documents: &mut D) {
        if !self.event.dead {
            self.event.fail(error.into(), documents);
        }
        self.has_failed = true;
    }

    fn feed_decoded<D: Documents>(&mut self, bytes: &[u8], paths: &Paths, documents: &mut D) {
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
        let Self { head, json, event, event_bytes_max, sse, framed, .. } = self;
        let (head, event_bytes_max) = (*head, *event_bytes_max);
        match self.framing {
            Framing::Json => event.feed_json(json, rest, paths, documents),
            Framing::Array => event.feed_array(json, &mut self.array, rest, paths, documents),
            Framing::Sse => sse.feed(rest, &mut Events { json, event, event_bytes_max, paths, documents }),
            Framing::Frames => {
                let framed = framed.get_or_insert_default();
                framed.feed(rest, framed::Into { head, json, event, event_bytes_max, paths, documents });
            }
            Framing::Unknown | Framing::Opaque => {}
        }
    }

    /// The body has ended here: nothing more is read, and its decoder keeps no memory. A last event without its empty line counts if its document is whole: servers
    /// that forget the line are commoner than streams cut exactly there.
    pub fn finish<D: Documents>(&mut self, paths: &Paths, documents: &mut D) {
        if self.has_failed {
            return;
        }
        if let Some(Err(error)) = self.decoder.as_mut().map(Decoder::finish) {
            // Its document may be whole all the same.
            documents.gap(error.into());
        }
        if self.is_cut(paths, documents) {
            documents.gap(Gap::Truncated);
        }
    }

    /// Ends the last document; whether the body's end is not where the end of a body can be.
    fn is_cut<D: Documents>(&mut self, paths: &Paths, documents: &mut D) -> bool {
        if self.event.dead {
            return false;
        }
        match self.framing {
            Framing::Json => self.event.finish(&mut self.json, paths, documents) == Ended::Incomplete,
            Framing::Sse if self.sse.is_inside_event() => {
                self.event.finish(&mut self.json, paths, documents) == Ended::Incomplete
            }
            Framing::Array => {
                documents.discard();
                self.array != Array::After
            }
            Framing::Frames => {
                let framed = self.framed.as_mut();
                let is_cut = framed.is_some_and(|framed| framed.is_cut(paths, documents));
                documents.discard();
                is_cut
            }
            Framing::Sse | Framing::Unknown | Framing::Opaque => false,
        }
    }

    /// What the first byte that means something says; it outranks the content type, which gateways and
    /// error pages get wrong. White space and a byte-order mark say nothing.
    fn recognise(&self, byte: u8) -> Option<Framing> {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' | 0xEF | 0xBB | 0xBF => None,
            b'[' if self.head.array_is_stream => Some(Framing::Array),
            b'{' | b'[' => Some(Framing::Json),
            // The length of a frame is below 16 MiB.
            0 if !self.is_joined => Some(Framing::Frames),
            b'<' => Some(Framing::Opaque),
            _ if self.head.sse => Some(Framing::Sse),
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
                self.documents = self.documents.saturating_add(1);
                documents.document();
                json.reset();
            }
        }
    }

    fn feed_array<D: Documents>(
        &mut self,
        json: &mut Json,
        array: &mut Array,
        bytes: &[u8],
        paths: &Paths,
        documents: &mut D,
    ) {
        let mut rest = bytes;
        while let Some((&byte, tail)) = rest.split_first()
            && !self.dead
        {
            if *array != Array::Inside {
                rest = tail;
                match (*array, byte) {
                    (_, b' ' | b'\n' | b'\r' | b'\t') => continue,
                    (Array::Before, b'[') | (Array::Between, b',') => *array = Array::Inside,
                    (Array::Between, b']') => *array = Array::After,
                    _ => self.fail(Gap::Malformed, documents),
                }
                continue;
            }
            if !json.has_begun() && matches!(byte, b']' | b' ' | b'\n' | b'\r' | b'\t') {
                if byte == b']' {
                    // An empty array, or a comma too many: either way nothing is lost.
                    *array = Array::After;
                }
                rest = tail;
                continue;
            }
            match json.feed(rest, paths, documents) {
                Ok(left) => rest = left,
                Err(fault) => return self.fail(fault.into(), documents),
            }
            if json.is_done() {
                documents.document();
                json.reset();
                *array = Array::Between;
            }
        }
    }

    /// Bytes of the event's one document.
    fn feed_one<D: Documents>(&mut self, json: &mut Json, bytes: &[u8], paths: &Paths, documents: &mut D) {
        if self.dead {
            return;
        }
        match json.feed(bytes, paths, documents) {
            Ok(left) if left.iter().all(u8::is_ascii_whitespace) => {}
            Ok(_) => self.fail(Gap::Malformed, documents),
            Err(fault) => self.fail(fault.into(), documents),
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

impl From<DecodeError> for Gap {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Corrupt => Self::DecodeFailed,
            DecodeError::Truncated => Self::Truncated,
            DecodeError::Ratio => Self::DecodedTooLarge,
            DecodeError::Memory => Self::Memory,
        }
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
