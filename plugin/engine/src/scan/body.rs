//! Recognises the framing of a body and reads the documents in it.

mod events;
mod frames;

use llm_gauge_decode::{Bounds, DecodeError, Decoder};

use super::{DocumentEnd, Json, JsonError, Paths, Sink, Sse};
use crate::record::Gap;
use events::Events;
use frames::FrameReader;

/// The way in which documents are laid out in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Unknown until the first byte that is not white space.
    Unknown,
    /// Consecutive JSON documents: one for a unary answer, one per line for NDJSON.
    Json,
    /// A JSON array whose elements are the documents.
    Array,
    /// Server-sent events, each with one JSON document or the mark `[DONE]`.
    Sse,
    /// AWS event stream frames, each with one JSON document or with a part of a body.
    Frames,
    /// A format that the engine does not read.
    Opaque,
}

/// Receives the documents of a body.
pub trait Documents: Sink {
    /// The values since the last call belong to one complete document.
    fn document(&mut self);
    /// The values since the last call belong to an incomplete document and do not count.
    fn discard(&mut self);
    /// The body contains the event `[DONE]`.
    fn done_mark(&mut self);
    /// The event is an exception of this type; its document, if any, was reported before.
    fn exception(&mut self, kind: &[u8]);
    /// A part of the body could not be read.
    fn gap(&mut self, gap: Gap);
}

/// The event data with which OpenAI's streams, and those of most providers, end.
const DONE_MARK: &[u8] = b"[DONE]";

/// The facts about a body that are known before its first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FramingHints {
    /// Whether the content type is `text/event-stream`.
    pub sse: bool,
    /// Whether the format sends a stream as an array, whose elements are documents.
    pub array_is_stream: bool,
}

/// The position in a JSON array of documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Array {
    #[default]
    Before,
    Between,
    Inside,
    After,
}

/// The reader of one body.
#[derive(Debug)]
pub struct Body {
    /// `None` if the body has no content encoding.
    decoder: Option<Decoder>,
    framing: Framing,
    head: FramingHints,
    json: Json,
    sse: Sse,
    frames: Option<Box<FrameReader>>,
    /// Whether the bytes are the payloads of frames. Such a body does not itself consist of frames.
    is_joined: bool,
    array: Array,
    event: Event,
    event_bytes_max: u64,
    /// Whether the content could not be decoded, so that nothing more can be read.
    has_failed: bool,
}

/// The state of the current event, or of the one JSON body.
#[derive(Debug, Default)]
struct Event {
    bytes: u64,
    /// The number of bytes of [`DONE_MARK`] that the event's data has matched so far; 0 after any other byte.
    done_matched: usize,
    /// The number of complete documents in a JSON body.
    documents: u32,
    /// Whether the rest of the event is skipped, since a part of it could not be read.
    is_skipped: bool,
}

impl Body {
    /// Returns a reader of a body without a content encoding, whose events have at most `event_bytes_max` bytes.
    pub fn new(head: FramingHints, event_bytes_max: u64) -> Self {
        Self {
            decoder: None,
            framing: Framing::Unknown,
            head,
            json: Json::default(),
            sse: Sse::default(),
            frames: None,
            is_joined: false,
            array: Array::default(),
            event: Event::default(),
            event_bytes_max,
            has_failed: false,
        }
    }

    /// Returns the body with a decoder for these content encodings, within `bounds`; `None` if an encoding is unknown.
    pub fn encoded(self, content_encoding: &[u8], bounds: Bounds) -> Option<Self> {
        let decoder = Some(Decoder::new(content_encoding, bounds)?);
        Some(Self { decoder, ..self })
    }

    /// Returns the framing as far as it is known.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the body is JSON and complete, so that only white space may follow.
    pub fn is_whole(&self) -> bool {
        let is_whole = match self.framing {
            Framing::Json => self.event.documents > 0,
            Framing::Array => self.array == Array::After,
            _ => false,
        };
        is_whole && !self.event.is_skipped
    }

    /// Whether decoding failed, so that the rest of the body is unknown.
    pub fn is_blind(&self) -> bool {
        self.has_failed
    }

    /// Whether the documents arrive one by one as they are generated.
    pub fn is_stream(&self) -> bool {
        match self.framing {
            Framing::Sse | Framing::Frames | Framing::Array => true,
            // NDJSON has one document per line.
            Framing::Json => self.event.documents > 1,
            Framing::Unknown | Framing::Opaque => false,
        }
    }

    /// Reads the next bytes.
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

    /// Ends the body where decoding failed. Documents that were complete before count; the one that was being read does
    /// not.
    fn fail<D: Documents>(&mut self, error: DecodeError, documents: &mut D) {
        if !self.event.is_skipped {
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
        let Self { head, json, event, event_bytes_max, sse, frames, .. } = self;
        let (head, event_bytes_max) = (*head, *event_bytes_max);
        match self.framing {
            Framing::Json => event.feed_json(json, rest, paths, documents),
            Framing::Array => event.feed_array(json, &mut self.array, rest, paths, documents),
            Framing::Sse => sse.feed(rest, &mut Events { json, event, event_bytes_max, paths, documents }),
            Framing::Frames => {
                let frames = frames.get_or_insert_default();
                frames.feed(
                    rest,
                    frames::DocumentContext { head, json, event, event_bytes_max, paths, documents },
                );
            }
            Framing::Unknown | Framing::Opaque => {}
        }
    }

    /// Ends the body: nothing more is read, and its decoder releases its memory.
    ///
    /// A last event without an empty line counts if its document is complete. Servers that omit the line are more
    /// common than streams that are cut exactly there.
    pub fn finish<D: Documents>(&mut self, paths: &Paths, documents: &mut D) {
        if self.has_failed {
            return;
        }
        if let Some(Err(error)) = self.decoder.as_mut().map(Decoder::finish) {
            // The document may be complete even if the encoding is not.
            documents.gap(error.into());
        }
        if self.is_cut(paths, documents) {
            documents.gap(Gap::Truncated);
        }
    }

    /// Ends the last document. Returns whether the body was cut off.
    fn is_cut<D: Documents>(&mut self, paths: &Paths, documents: &mut D) -> bool {
        if self.event.is_skipped {
            return false;
        }
        match self.framing {
            Framing::Json => self.event.finish(&mut self.json, paths, documents) == DocumentEnd::Incomplete,
            Framing::Sse if self.sse.is_inside_event() => {
                self.event.finish(&mut self.json, paths, documents) == DocumentEnd::Incomplete
            }
            Framing::Array => {
                documents.discard();
                self.array != Array::After
            }
            Framing::Frames => {
                let frames = self.frames.as_mut();
                let is_cut = frames.is_some_and(|frames| frames.is_cut(paths, documents));
                documents.discard();
                is_cut
            }
            Framing::Sse | Framing::Unknown | Framing::Opaque => false,
        }
    }

    /// Returns the framing that the first significant byte indicates; `None` for white space and the byte-order mark.
    /// The byte outranks the content type, which is often wrong in answers of gateways and in error pages.
    fn recognise(&self, byte: u8) -> Option<Framing> {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' | 0xEF | 0xBB | 0xBF => None,
            b'[' if self.head.array_is_stream => Some(Framing::Array),
            b'{' | b'[' => Some(Framing::Json),
            // A frame begins with its length, which is below 16 MiB.
            0 if !self.is_joined => Some(Framing::Frames),
            b'<' => Some(Framing::Opaque),
            _ if self.head.sse => Some(Framing::Sse),
            // These are the first letters of data, event, id, retry and of a comment.
            b'd' | b'e' | b'i' | b'r' | b':' => Some(Framing::Sse),
            b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => Some(Framing::Json),
            _ => Some(Framing::Opaque),
        }
    }
}

impl Event {
    fn feed_json<D: Documents>(&mut self, json: &mut Json, bytes: &[u8], paths: &Paths, documents: &mut D) {
        let mut rest = bytes;
        while !self.is_skipped && !rest.is_empty() {
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
            && !self.is_skipped
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
                    // The array is empty or has a trailing comma; nothing is lost either way.
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

    /// Reads bytes of the event's one document.
    fn feed_one<D: Documents>(&mut self, json: &mut Json, bytes: &[u8], paths: &Paths, documents: &mut D) {
        if self.is_skipped {
            return;
        }
        match json.feed(bytes, paths, documents) {
            Ok(left) if left.iter().all(u8::is_ascii_whitespace) => {}
            Ok(_) => self.fail(Gap::Malformed, documents),
            Err(fault) => self.fail(fault.into(), documents),
        }
    }

    fn fail<D: Documents>(&mut self, gap: Gap, documents: &mut D) {
        self.is_skipped = true;
        documents.discard();
        documents.gap(gap);
    }

    /// Ends the document and reports it if it is complete.
    fn finish<D: Documents>(&mut self, json: &mut Json, paths: &Paths, documents: &mut D) -> DocumentEnd {
        if self.done_matched == DONE_MARK.len() {
            documents.done_mark();
            return DocumentEnd::Complete;
        }
        let ended =
            if self.done_matched > 0 { DocumentEnd::Incomplete } else { json.finish(paths, documents) };
        match ended {
            DocumentEnd::Complete => documents.document(),
            DocumentEnd::Incomplete => documents.discard(),
            DocumentEnd::Empty => {}
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

impl From<JsonError> for Gap {
    fn from(fault: JsonError) -> Self {
        match fault {
            JsonError::Malformed => Self::Malformed,
            JsonError::TooDeep => Self::TooDeep,
        }
    }
}

#[cfg(test)]
mod tests;
