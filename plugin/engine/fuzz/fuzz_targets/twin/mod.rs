//! Bodies and their naive twin.

#[path = "../../../src/scan/base64/tests/twin.rs"]
mod base64_twin;
#[path = "../../../src/scan/body/tests/twin.rs"]
mod body_twin;
#[path = "../../../src/scan/frames/tests/twin.rs"]
pub mod frames_twin;
#[path = "../../../src/scan/json/tests/twin.rs"]
mod json_twin;
#[path = "../../../src/scan/sse/tests/twin.rs"]
mod sse_twin;

use llm_gauge_engine::limits::{FRAME_HEADER_BYTES_MAX, NUMBER_BYTES_MAX};
use llm_gauge_engine::record::Gap;
use llm_gauge_engine::scan::{Announced, At, Body, Documents, NodeId, Paths, Scalar, Sink};

use self::body_twin::{Entry, How};
use self::json_twin::{Found, Value};

const WANTED: &[&str] = &["", "a", "a.b", "a[]", "b", "[]"];
const TEXT_MAX: usize = 9;
const EVENT_MAX: usize = 64;

struct Collector<'a> {
    paths: &'a Paths,
    found: Vec<Found>,
    log: Vec<Entry>,
}

impl Collector<'_> {
    fn push(&mut self, node: NodeId, at: At, value: Value) {
        for path in self.paths.node(node).map(|node| node.rules()).unwrap_or_default() {
            let path = usize::from(*path);
            self.found.push(Found { path, outer: at.outer, inner: at.inner, value: value.clone() });
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

/// Reads a body in every cutting: one answer, and the twin's where it knows one.
pub fn check(bytes: &[u8], cuts: [u8; 2], sse: bool, array_is_stream: bool) {
    let mut paths = Paths::default();
    for (number, path) in (0..).zip(WANTED) {
        paths.add(path, number, TEXT_MAX, false);
    }
    let read = |pieces: &[&[u8]]| {
        let announced = Announced { sse, array_is_stream };
        let mut body = Body::new(announced, u64::try_from(EVENT_MAX).expect("a small bound"));
        let mut collector = Collector { paths: &paths, found: Vec::new(), log: Vec::new() };
        for piece in pieces {
            body.feed(piece, &paths, &mut collector);
        }
        body.finish(&paths, &mut collector);
        assert!(collector.found.is_empty(), "values of no document: {:?}", collector.found);
        (body.framing(), body.is_whole(), body.is_stream(), collector.log)
    };
    let whole = read(&[bytes]);
    for pieces in super::cut::cuttings(bytes, cuts) {
        assert_eq!(read(&pieces), whole, "in {} pieces", pieces.len());
    }
    let how = How {
        sse,
        array_is_stream,
        event_max: EVENT_MAX,
        wanted: WANTED,
        text_max: TEXT_MAX,
        number_max: NUMBER_BYTES_MAX,
        header_max: FRAME_HEADER_BYTES_MAX,
        is_joined: false,
    };
    // Where the scanner gives up for depth serde_json need not.
    let depth = bytes.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
    if depth < 100
        && let Some(expected) = body_twin::read(bytes, how)
    {
        assert_eq!(whole.3, expected);
    }
}
