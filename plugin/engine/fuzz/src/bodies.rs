//! Bodies (consecutive JSON documents, arrays of them, event streams) against the naive twin of the body reader.
//!
//! An input is the content type and format (bit 0: an event stream; bit 1: an array is a stream), two places to cut at,
//! and then the body.

use llm_gauge_decode_fuzz::cuttings::cuttings;
use llm_gauge_engine::limits::{FRAME_HEADER_BYTES_MAX, NUMBER_BYTES_MAX};
use llm_gauge_engine::record::Gap;
use llm_gauge_engine::scan::{At, Body, Documents, Framing, FramingHints, NodeId, Paths, Scalar, Sink};

use crate::json_twin::TWIN_DEPTH_MAX;
use crate::twins::body_twin::{self, Entry, ReadOptions};
use crate::twins::json_twin::{PathValue, Value};

const WANTED: &[&str] = &["", "a", "a.b", "a[]", "b", "[]"];
const TEXT_MAX: usize = 9;
const EVENT_MAX: u8 = 64;

/// Checks one input.
pub fn check(input: &[u8]) {
    let Some((&[announced, cuts @ ..], body)) = input.split_first_chunk::<3>() else { return };
    check_body(body, cuts, announced & 1 != 0, announced & 2 != 0);
}

/// Checks that the body reads alike in any pieces, and as the naive twin reads it, if the twin can tell.
pub fn check_body(bytes: &[u8], cuts: [u8; 2], sse: bool, array_is_stream: bool) {
    let mut paths = Paths::default();
    for (number, path) in (0..).zip(WANTED) {
        paths.add(path, number, TEXT_MAX, false);
    }
    let hints = FramingHints { sse, array_is_stream };
    let whole = read(&paths, hints, &[bytes]);
    for pieces in cuttings(bytes, cuts) {
        assert_eq!(read(&paths, hints, &pieces), whole, "in {} pieces", pieces.len());
    }
    let options = ReadOptions {
        sse,
        array_is_stream,
        event_max: usize::from(EVENT_MAX),
        wanted: WANTED,
        text_max: TEXT_MAX,
        number_max: NUMBER_BYTES_MAX,
        header_max: FRAME_HEADER_BYTES_MAX,
        is_joined: false,
    };
    if crate::json_twin::brackets(bytes) < TWIN_DEPTH_MAX
        && let Some(expected) = body_twin::read(bytes, options)
    {
        assert_eq!(whole.log, expected);
    }
}

/// The result of reading a body with the engine.
#[derive(Debug, PartialEq)]
struct BodyResult {
    framing: Framing,
    is_whole: bool,
    is_stream: bool,
    log: Vec<Entry>,
}

fn read(paths: &Paths, hints: FramingHints, pieces: &[&[u8]]) -> BodyResult {
    let mut body = Body::new(hints, EVENT_MAX.into());
    let mut collector = Collector { paths, found: Vec::new(), log: Vec::new() };
    for piece in pieces {
        body.feed(piece, paths, &mut collector);
    }
    body.finish(paths, &mut collector);
    assert!(collector.found.is_empty(), "values outside of documents: {:?}", collector.found);
    BodyResult {
        framing: body.framing(),
        is_whole: body.is_whole(),
        is_stream: body.is_stream(),
        log: collector.log,
    }
}

struct Collector<'a> {
    paths: &'a Paths,
    found: Vec<PathValue>,
    log: Vec<Entry>,
}

impl Collector<'_> {
    fn push(&mut self, node: NodeId, at: At, value: Value) {
        for path in self.paths.node(node).map(|node| node.rules()).unwrap_or_default() {
            let path = usize::from(*path);
            self.found.push(PathValue { path, outer: at.outer, inner: at.inner, value: value.clone() });
        }
    }
}

impl Sink for Collector<'_> {
    fn open(&mut self, node: NodeId, at: At) {
        self.push(node, at, Value::Open);
    }

    fn scalar(&mut self, node: NodeId, at: At, value: Scalar<'_>) {
        let value = match value {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Number(digits) => Value::number(digits),
            Scalar::Text { start, empty } => Value::Text(start.to_vec(), empty),
        };
        self.push(node, at, value);
    }

    fn flow(&mut self, _node: NodeId, _at: At, _piece: &[u8]) {}
}

impl Documents for Collector<'_> {
    fn document(&mut self) {
        let found = core::mem::take(&mut self.found);
        self.log.push(Entry::Document(found));
    }

    fn discard(&mut self) {
        self.found.clear();
    }

    fn done_mark(&mut self) {
        self.log.push(Entry::Done);
    }

    fn exception(&mut self, kind: &[u8]) {
        self.log.push(Entry::Exception(kind.to_vec()));
    }

    fn gap(&mut self, gap: Gap) {
        self.log.push(Entry::Gap(gap.name()));
    }
}
