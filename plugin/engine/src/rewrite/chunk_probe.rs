//! The one sink of this module. Each type of sink compiles one more copy of the scanner into the wasm.

use crate::scan::{At, Json, JsonError, Node, NodeId, Paths, Scalar, Sink};

/// The rule numbers of the wanted paths.
const CHOICES: u16 = 0;
const CHOICE: u16 = 1;
const USAGE: u16 = 2;
const ERROR: u16 = 3;

/// A JSON document, and the fields of a usage chunk that were found in it.
#[derive(Debug)]
pub(super) struct ChunkProbe {
    json: Json,
    paths: Paths,
    fields: ChunkFields,
}

#[derive(Clone, Copy, Debug, Default)]
struct ChunkFields {
    choices: bool,
    usage: bool,
    /// Whether there is a choice or an error, or the document is not a JSON object.
    other: bool,
}

impl ChunkProbe {
    /// Returns a probe that only checks the JSON syntax.
    pub(super) fn for_syntax() -> Self {
        Self { json: Json::default(), paths: Paths::default(), fields: ChunkFields::default() }
    }

    /// Returns a probe that recognises usage chunks.
    pub(super) fn for_usage_chunk() -> Self {
        let mut probe = Self::for_syntax();
        for (path, number) in
            [("choices", CHOICES), ("choices[]", CHOICE), ("usage", USAGE), ("error", ERROR)]
        {
            probe.paths.add(path, number, 0, false);
        }
        probe
    }

    /// Prepares for the next document.
    pub(super) fn reset(&mut self) {
        self.json.reset();
        self.fields = ChunkFields::default();
    }

    /// Reads the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        let is_object = self.json.has_begun() || first.is_none_or(|first| *first == b'{');
        let Self { json, paths, fields } = self;
        let rest: Result<&[u8], JsonError> = json.feed(bytes, paths, &mut FieldSink { paths, fields });
        // White space after the document is allowed; anything else makes it invalid.
        self.fields.other |= !is_object || !rest.is_ok_and(|rest| rest.iter().all(u8::is_ascii_whitespace));
    }

    /// Returns whether the document cannot be a usage chunk, or is not a JSON object.
    pub(super) fn is_ruled_out(&self) -> bool {
        self.fields.other
    }

    /// Returns whether the document is complete and not a usage chunk. Bytes after it cannot make it one.
    pub(super) fn is_complete_other(&self) -> bool {
        self.json.is_done() && !self.is_usage_chunk()
    }

    /// Returns whether the document is a chunk with usage and nothing else.
    pub(super) fn is_usage_chunk(&self) -> bool {
        self.json.is_done() && self.fields.choices && self.fields.usage && !self.fields.other
    }
}

struct FieldSink<'a> {
    paths: &'a Paths,
    fields: &'a mut ChunkFields,
}

impl FieldSink<'_> {
    fn record(&mut self, node: NodeId, is_open: bool, is_null: bool) {
        match self.paths.node(node).map(Node::rules).and_then(<[u16]>::first) {
            Some(&CHOICES) => self.fields.choices |= is_open,
            Some(&USAGE) => self.fields.usage |= is_open,
            Some(&ERROR) => self.fields.other |= !is_null,
            _ => self.fields.other = true,
        }
    }
}

impl Sink for FieldSink<'_> {
    fn open(&mut self, node: NodeId, _at: At) {
        self.record(node, true, false);
    }

    fn scalar(&mut self, node: NodeId, _at: At, value: Scalar<'_>) {
        self.record(node, false, value == Scalar::Null);
    }

    fn flow(&mut self, _node: NodeId, _at: At, _piece: &[u8]) {}
}
