//! The one sink of this module: every kind of sink makes one more copy of the scanner in the wasm.

use crate::scan::{At, Json, JsonError, Node, NodeId, Paths, Scalar, Sink};

/// Numbers of the wanted places.
const CHOICES: u16 = 0;
const CHOICE: u16 = 1;
const USAGE: u16 = 2;
const ERROR: u16 = 3;

/// A JSON document, and what was seen of a usage chunk in it.
#[derive(Debug)]
pub(super) struct Look {
    json: Json,
    paths: Paths,
    seen: Seen,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    choices: bool,
    usage: bool,
    /// A choice, an error, or no JSON object: not the chunk.
    other: bool,
}

impl Look {
    /// Asks for well-formed JSON only.
    pub(super) fn at_nothing() -> Self {
        Self { json: Json::default(), paths: Paths::default(), seen: Seen::default() }
    }

    /// Asks for what makes a usage chunk.
    pub(super) fn for_usage_chunk() -> Self {
        let mut look = Self::at_nothing();
        for (path, number) in
            [("choices", CHOICES), ("choices[]", CHOICE), ("usage", USAGE), ("error", ERROR)]
        {
            look.paths.add(path, number, 0, false);
        }
        look
    }

    /// Waits for the next document.
    pub(super) fn reset(&mut self) {
        self.json.reset();
        self.seen = Seen::default();
    }

    /// Reads on.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        let is_object = self.json.has_begun() || first.is_none_or(|first| *first == b'{');
        let Self { json, paths, seen } = self;
        let rest: Result<&[u8], JsonError> = json.feed(bytes, paths, &mut Places { paths, seen });
        // A space behind the document is as good as one inside; anything else makes it no document.
        self.seen.other |= !is_object || !rest.is_ok_and(|rest| rest.iter().all(u8::is_ascii_whitespace));
    }

    /// Whether this cannot be a usage chunk any more, or is no JSON object at all.
    pub(super) fn is_other(&self) -> bool {
        self.seen.other
    }

    /// Whether this is a whole document that is no usage chunk; what follows it cannot make it one.
    pub(super) fn is_whole_other(&self) -> bool {
        self.json.is_done() && !self.is_usage_chunk()
    }

    /// Whether this is a chunk of usage and nothing else.
    pub(super) fn is_usage_chunk(&self) -> bool {
        self.json.is_done() && self.seen.choices && self.seen.usage && !self.seen.other
    }
}

struct Places<'a> {
    paths: &'a Paths,
    seen: &'a mut Seen,
}

impl Places<'_> {
    fn look(&mut self, node: NodeId, is_open: bool, is_null: bool) {
        match self.paths.node(node).map(Node::rules).and_then(<[u16]>::first) {
            Some(&CHOICES) => self.seen.choices |= is_open,
            Some(&USAGE) => self.seen.usage |= is_open,
            Some(&ERROR) => self.seen.other |= !is_null,
            _ => self.seen.other = true,
        }
    }
}

impl Sink for Places<'_> {
    fn open(&mut self, node: NodeId, _at: At) {
        self.look(node, true, false);
    }

    fn scalar(&mut self, node: NodeId, _at: At, value: Scalar<'_>) {
        self.look(node, false, value == Scalar::Null);
    }

    fn flow(&mut self, _node: NodeId, _at: At, _piece: &[u8]) {}
}
