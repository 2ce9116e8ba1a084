//! The documents in AWS event stream frames.
//!
//! A frame of Bedrock's Converse holds one document. A frame of InvokeModel is named `chunk` and holds
//! `{"bytes": "<the vendor's document in base64>", "p": "<padding>"}`. A frame of SageMaker's
//! InvokeEndpointWithResponseStream is named `PayloadPart`. Its payload is a piece of the container's response body,
//! which may be cut at any byte
//! (<https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_PayloadPart.html>).

use super::{Body, Documents, Event, FramingHints};
use crate::limits::SCALAR_BYTES_MAX;
use crate::record::Gap;
use crate::scan::base64::Base64;
use crate::scan::frames::{FrameKind, FrameSink, Frames};
use crate::scan::{At, DocumentEnd, Json, NodeId, Paths, Scalar, Sink};

/// The reader of one body in frames.
#[derive(Debug)]
pub(super) struct FrameReader {
    frames: Frames,
    frame: Frame,
    wrapper: Json,
    wrapper_paths: Paths,
    /// The body that consecutive parts form; `None` if the last frame was no part.
    joined_body: Option<Box<Body>>,
}

/// The state of the current frame.
#[derive(Debug, Default)]
struct Frame {
    has_wrapper: bool,
    is_part: bool,
    exception: Vec<u8>,
    base64: Base64,
}

impl Default for FrameReader {
    fn default() -> Self {
        let mut wrapper_paths = Paths::default();
        wrapper_paths.add("bytes", 0, 0, true);
        let (frames, frame, wrapper) = Default::default();
        Self { frames, frame, wrapper, wrapper_paths, joined_body: None }
    }
}

/// The state of the body into which frames are read.
pub(super) struct DocumentContext<'a, D> {
    pub(super) head: FramingHints,
    pub(super) json: &'a mut Json,
    pub(super) event: &'a mut Event,
    pub(super) event_bytes_max: u64,
    pub(super) paths: &'a Paths,
    pub(super) documents: &'a mut D,
}

impl FrameReader {
    /// Ends the body that the parts form. Returns whether that body or the last frame was cut off.
    pub(super) fn is_cut<D: Documents>(&mut self, paths: &Paths, documents: &mut D) -> bool {
        let is_cut = self.joined_body.take().is_some_and(|mut body| body.is_cut(paths, documents));
        is_cut || self.frames.is_inside()
    }

    /// Reads the next bytes.
    pub(super) fn feed<D: Documents>(&mut self, bytes: &[u8], context: DocumentContext<'_, D>) {
        let Self { frames, frame, wrapper, wrapper_paths, joined_body } = self;
        let mut reader = PayloadReader { context, frame, wrapper, wrapper_paths, joined_body };
        if frames.feed(bytes, &mut reader).is_err() {
            reader.context.event.fail(Gap::Malformed, reader.context.documents);
        }
    }
}

struct PayloadReader<'a, D> {
    context: DocumentContext<'a, D>,
    frame: &'a mut Frame,
    wrapper: &'a mut Json,
    wrapper_paths: &'a Paths,
    joined_body: &'a mut Option<Box<Body>>,
}

impl<D: Documents> PayloadReader<'_, D> {
    /// Ends the body that the parts so far form.
    fn finish_joined(&mut self) {
        if let Some(mut body) = self.joined_body.take() {
            body.finish(self.context.paths, self.context.documents);
        }
    }

    /// Reads a piece of the body that the parts form. It is not held back until the frame's checksum is known, since a
    /// document need not end with a frame.
    fn read_part(&mut self, bytes: &[u8]) {
        let DocumentContext { head, event_bytes_max, paths, documents, .. } = &mut self.context;
        let new = || Box::new(Body { is_joined: true, ..Body::new(*head, *event_bytes_max) });
        let body = self.joined_body.get_or_insert_with(new);
        body.feed(bytes, paths, *documents);
    }

    /// Discards the document being read after a part with a wrong checksum.
    fn fail_joined(&mut self) {
        if let Some(body) = self.joined_body
            && !body.event.is_skipped
        {
            body.event.fail(Gap::Malformed, self.context.documents);
        }
    }
}

impl<D: Documents> FrameSink for PayloadReader<'_, D> {
    fn begin(&mut self, kind: FrameKind<'_>, payload_bytes: u64) {
        *self.context.event = Event::default();
        self.context.json.reset();
        self.wrapper.reset();
        let exception = kind.exception.get(..SCALAR_BYTES_MAX).unwrap_or(kind.exception);
        *self.frame = Frame {
            has_wrapper: kind.event == b"chunk" && exception.is_empty(),
            is_part: kind.event == b"PayloadPart" && exception.is_empty(),
            exception: exception.to_vec(),
            base64: Base64::default(),
        };
        if self.frame.is_part {
            return;
        }
        self.finish_joined();
        if payload_bytes > self.context.event_bytes_max {
            self.context.event.fail(Gap::EventTooLarge, self.context.documents);
        }
    }

    fn payload(&mut self, bytes: &[u8]) {
        if self.frame.is_part {
            return self.read_part(bytes);
        }
        let DocumentContext { json, event, paths, documents, .. } = &mut self.context;
        if event.is_skipped {
            return;
        }
        if !self.frame.has_wrapper {
            return event.feed_one(json, bytes, paths, *documents);
        }
        let mut inner =
            Base64Sink { base64: &mut self.frame.base64, json, event, paths, documents: *documents };
        let result = self.wrapper.feed(bytes, self.wrapper_paths, &mut inner);
        // A fault in the wrapped document was already reported, whether or not the wrapper is also faulty.
        if let Err(fault) = result
            && !event.is_skipped
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
        let DocumentContext { json, event, paths, documents, .. } = &mut self.context;
        if event.is_skipped {
            // The gap was already reported. The next frame may be sound, or cut off before its payload begins.
            **event = Event::default();
            return;
        }
        if !sound || self.frame.base64.is_bad() {
            event.fail(Gap::Malformed, *documents);
            **event = Event::default();
            return;
        }
        if event.finish(json, paths, *documents) == DocumentEnd::Incomplete {
            documents.gap(Gap::Malformed);
        }
        if !self.frame.exception.is_empty() {
            documents.exception(&self.frame.exception);
        }
    }
}

/// Decodes base64 and feeds the bytes to the scanner of the wrapped document.
struct Base64Sink<'a, D> {
    base64: &'a mut Base64,
    json: &'a mut Json,
    event: &'a mut Event,
    paths: &'a Paths,
    documents: &'a mut D,
}

impl<D: Documents> Sink for Base64Sink<'_, D> {
    fn open(&mut self, _node: NodeId, _at: At) {}

    fn scalar(&mut self, _node: NodeId, _at: At, _value: Scalar<'_>) {}

    fn flow(&mut self, _node: NodeId, _at: At, piece: &[u8]) {
        let Self { base64, json, event, paths, documents } = self;
        base64.feed(piece, |bytes| event.feed_one(json, bytes, paths, *documents));
    }
}
