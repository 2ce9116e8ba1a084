//! The documents in AWS event stream frames: one a frame, as it stands or in base64 under `bytes`.
//!
//! Bedrock's Converse frames hold the document itself. Those of InvokeModel are named `chunk` and hold
//! `{"bytes": "<the vendor's document in base64>", "p": "<padding>"}`.

use super::{Documents, Event};
use crate::limits::SCALAR_BYTES_MAX;
use crate::record::Gap;
use crate::scan::base64::Base64;
use crate::scan::frames::{FrameSink, Frames, Kind};
use crate::scan::{At, Ended, Json, NodeId, Paths, Scalar, Sink};

/// Reads one framed body.
#[derive(Debug)]
pub(super) struct Framed {
    frames: Frames,
    frame: Frame,
    wrapping: Json,
    wrapped: Paths,
}

/// The current frame.
#[derive(Debug, Default)]
struct Frame {
    is_wrapped: bool,
    exception: Vec<u8>,
    base64: Base64,
}

impl Default for Framed {
    fn default() -> Self {
        let mut wrapped = Paths::default();
        wrapped.add("bytes", 0, 0, true);
        Self { frames: Frames::default(), frame: Frame::default(), wrapping: Json::default(), wrapped }
    }
}

/// What frames are read with and into.
pub(super) struct Into<'a, D> {
    pub(super) json: &'a mut Json,
    pub(super) event: &'a mut Event,
    pub(super) event_bytes_max: u64,
    pub(super) paths: &'a Paths,
    pub(super) documents: &'a mut D,
}

impl Framed {
    /// Whether a frame has begun and not ended.
    pub(super) fn is_inside(&self) -> bool {
        self.frames.is_inside()
    }

    /// Reads on.
    pub(super) fn feed<D: Documents>(&mut self, bytes: &[u8], into: Into<'_, D>) {
        let Self { frames, frame, wrapping, wrapped } = self;
        let mut reader = Reader { into, frame, wrapping, wrapped };
        if frames.feed(bytes, &mut reader).is_err() {
            reader.into.event.fail(Gap::Malformed, reader.into.documents);
        }
    }
}

struct Reader<'a, D> {
    into: Into<'a, D>,
    frame: &'a mut Frame,
    wrapping: &'a mut Json,
    wrapped: &'a Paths,
}

impl<D: Documents> FrameSink for Reader<'_, D> {
    fn begin(&mut self, kind: Kind<'_>, payload_bytes: u64) {
        *self.into.event = Event::default();
        self.into.json.reset();
        self.wrapping.reset();
        let exception = kind.exception.get(..SCALAR_BYTES_MAX).unwrap_or(kind.exception);
        *self.frame = Frame {
            is_wrapped: kind.event == b"chunk" && exception.is_empty(),
            exception: exception.to_vec(),
            base64: Base64::default(),
        };
        if payload_bytes > self.into.event_bytes_max {
            self.into.event.fail(Gap::EventTooLarge, self.into.documents);
        }
    }

    fn payload(&mut self, bytes: &[u8]) {
        let Into { json, event, paths, documents, .. } = &mut self.into;
        if event.dead {
            return;
        }
        if !self.frame.is_wrapped {
            return event.feed_one(json, bytes, paths, *documents);
        }
        let mut inner = Inner { base64: &mut self.frame.base64, json, event, paths, documents: *documents };
        let wrapping = self.wrapping.feed(bytes, self.wrapped, &mut inner);
        // What broke inside was told, whether or not the wrapping breaks in the same piece.
        if let Err(fault) = wrapping
            && !event.dead
        {
            event.fail(fault.into(), *documents);
        }
    }

    fn end(&mut self, sound: bool) {
        let Into { json, event, paths, documents, .. } = &mut self.into;
        if event.dead {
            // It was told. The next frame may be sound, or cut off before its payload begins.
            **event = Event::default();
            return;
        }
        if !sound || self.frame.base64.is_bad() {
            event.fail(Gap::Malformed, *documents);
            **event = Event::default();
            return;
        }
        if event.finish(json, paths, *documents) == Ended::Incomplete {
            documents.gap(Gap::Malformed);
        }
        if !self.frame.exception.is_empty() {
            documents.exception(&self.frame.exception);
        }
    }
}

/// What stands in base64 goes on to the document's own scanner.
struct Inner<'a, D> {
    base64: &'a mut Base64,
    json: &'a mut Json,
    event: &'a mut Event,
    paths: &'a Paths,
    documents: &'a mut D,
}

impl<D: Documents> Sink for Inner<'_, D> {
    fn open(&mut self, _node: NodeId, _at: At) {}

    fn scalar(&mut self, _node: NodeId, _at: At, _value: Scalar<'_>) {}

    fn flow(&mut self, _node: NodeId, _at: At, piece: &[u8]) {
        let Self { base64, json, event, paths, documents } = self;
        base64.feed(piece, |bytes| event.feed_one(json, bytes, paths, *documents));
    }
}
