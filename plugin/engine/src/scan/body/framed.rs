//! The documents in AWS event stream frames: one a frame, as it stands or in base64 under `bytes`, or anywhere in the
//! body that the frames are the parts of.
//!
//! Bedrock's Converse frames hold the document itself. Those of InvokeModel are named `chunk` and hold
//! `{"bytes": "<the vendor's document in base64>", "p": "<padding>"}`. Those of SageMaker's
//! InvokeEndpointWithResponseStream are named `PayloadPart`, and their payload is a piece of what the container
//! answers, as it stands and cut anywhere
//! (<https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_PayloadPart.html>).

use super::{Announced, Body, Documents, Event};
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
    /// The body that parts make up, while nothing else comes between them.
    joined: Option<Box<Body>>,
}

/// The current frame.
#[derive(Debug, Default)]
struct Frame {
    is_wrapped: bool,
    is_part: bool,
    exception: Vec<u8>,
    base64: Base64,
}

impl Default for Framed {
    fn default() -> Self {
        let mut wrapped = Paths::default();
        wrapped.add("bytes", 0, 0, true);
        let (frames, frame, wrapping) = Default::default();
        Self { frames, frame, wrapping, wrapped, joined: None }
    }
}

/// What frames are read with and into.
pub(super) struct Into<'a, D> {
    pub(super) head: Announced,
    pub(super) json: &'a mut Json,
    pub(super) event: &'a mut Event,
    pub(super) event_bytes_max: u64,
    pub(super) paths: &'a Paths,
    pub(super) documents: &'a mut D,
}

impl Framed {
    /// Ends what the parts make up; whether a frame has begun and not ended, or that is cut.
    pub(super) fn is_cut<D: Documents>(&mut self, paths: &Paths, documents: &mut D) -> bool {
        let is_cut = self.joined.take().is_some_and(|mut body| body.is_cut(paths, documents));
        is_cut || self.frames.is_inside()
    }

    /// Reads on.
    pub(super) fn feed<D: Documents>(&mut self, bytes: &[u8], into: Into<'_, D>) {
        let Self { frames, frame, wrapping, wrapped, joined } = self;
        let mut reader = Reader { into, frame, wrapping, wrapped, joined };
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
    joined: &'a mut Option<Box<Body>>,
}

impl<D: Documents> Reader<'_, D> {
    /// What the parts so far make up is all there was of it.
    fn finish_joined(&mut self) {
        if let Some(mut body) = self.joined.take() {
            body.finish(self.into.paths, self.into.documents);
        }
    }

    /// A piece of the body that parts make up. It is not held back until the frame has shown to be sound, since no
    /// document need end with one.
    fn read_part(&mut self, bytes: &[u8]) {
        let Into { head, event_bytes_max, paths, documents, .. } = &mut self.into;
        let new = || Box::new(Body { is_joined: true, ..Body::new(*head, *event_bytes_max) });
        let body = self.joined.get_or_insert_with(new);
        body.feed(bytes, paths, *documents);
    }

    /// A part was broken: what it is in the midst of is lost.
    fn fail_joined(&mut self) {
        if let Some(body) = self.joined
            && !body.event.dead
        {
            body.event.fail(Gap::Malformed, self.into.documents);
        }
    }
}

impl<D: Documents> FrameSink for Reader<'_, D> {
    fn begin(&mut self, kind: Kind<'_>, payload_bytes: u64) {
        *self.into.event = Event::default();
        self.into.json.reset();
        self.wrapping.reset();
        let exception = kind.exception.get(..SCALAR_BYTES_MAX).unwrap_or(kind.exception);
        *self.frame = Frame {
            is_wrapped: kind.event == b"chunk" && exception.is_empty(),
            is_part: kind.event == b"PayloadPart" && exception.is_empty(),
            exception: exception.to_vec(),
            base64: Base64::default(),
        };
        if self.frame.is_part {
            return;
        }
        self.finish_joined();
        if payload_bytes > self.into.event_bytes_max {
            self.into.event.fail(Gap::EventTooLarge, self.into.documents);
        }
    }

    fn payload(&mut self, bytes: &[u8]) {
        if self.frame.is_part {
            return self.read_part(bytes);
        }
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
        if self.frame.is_part {
            if !sound {
                self.fail_joined();
            }
            return;
        }
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
