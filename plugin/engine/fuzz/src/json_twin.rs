//! The JSON scanner against serde_json.
//!
//! An input is two places to cut at, and then the document.

use llm_gauge_decode_fuzz::cuttings::cuttings;
use llm_gauge_engine::limits::NUMBER_BYTES_MAX;
use llm_gauge_engine::scan::{At, DocumentEnd, Json, JsonError, NodeId, Paths, Scalar, Sink};

use crate::twins::json_twin::{self, PathValue, Value};

/// The number of brackets up to which documents are compared with serde_json, whose depth limit is another.
pub(crate) const TWIN_DEPTH_MAX: usize = 100;

const WANTED: &[&str] =
    &["", "a", "a.b", "a[]", "a[].b", "a[].b[]", "[]", "[].a", "[][]", "b", "b.a.b", "\""];
const TEXT_MAX: usize = 9;

/// Checks one input.
pub fn check(input: &[u8]) {
    let Some((&cuts, document)) = input.split_first_chunk::<2>() else { return };
    let mut paths = Paths::default();
    for (number, path) in (0..).zip(WANTED) {
        paths.add(path, number, TEXT_MAX, true);
    }
    let whole = read(&paths, &[document]);
    for pieces in cuttings(document, cuts) {
        assert_eq!(read(&paths, &pieces), whole);
    }
    if let (Ok(text), true) = (str::from_utf8(document), brackets(document) < TWIN_DEPTH_MAX) {
        let is_whole =
            whole.end == Ok(DocumentEnd::Complete) && whole.left.iter().all(|byte| b" \r\n\t".contains(byte));
        let is_cut = whole.end == Ok(DocumentEnd::Incomplete);
        assert!(
            document.trim_ascii().is_empty() || is_cut == json_twin::is_cut(text, NUMBER_BYTES_MAX),
            "{:?}",
            whole.end
        );
        let found = is_whole.then_some(whole.found);
        assert_eq!(found, json_twin::read(text, WANTED, TEXT_MAX, NUMBER_BYTES_MAX));
    }
}

/// Returns the number of opening brackets and braces, which bounds the depth.
pub(crate) fn brackets(document: &[u8]) -> usize {
    document.iter().filter(|byte| matches!(byte, b'[' | b'{')).count()
}

/// The result of scanning a document.
#[derive(Debug, PartialEq)]
struct ScanResult {
    found: Vec<PathValue>,
    end: Result<DocumentEnd, JsonError>,
    /// The bytes after the document.
    left: Vec<u8>,
}

fn read(paths: &Paths, pieces: &[&[u8]]) -> ScanResult {
    let mut collector = Collector { paths, found: Vec::new(), text: Vec::new() };
    let mut json = Json::default();
    let mut left = Vec::new();
    for piece in pieces {
        match json.feed(piece, paths, &mut collector) {
            Ok(rest) => left.extend_from_slice(rest),
            Err(fault) => return ScanResult { found: collector.found, end: Err(fault), left },
        }
    }
    let end = Ok(json.finish(paths, &mut collector));
    ScanResult { found: collector.found, end, left }
}

struct Collector<'a> {
    paths: &'a Paths,
    found: Vec<PathValue>,
    /// The pieces of the current string.
    text: Vec<u8>,
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
            Scalar::Text { start, empty } => {
                // The pieces form the whole text, of which this is the start.
                let text = core::mem::take(&mut self.text);
                assert_eq!((start, empty), (&text[..text.len().min(TEXT_MAX)], text.is_empty()));
                Value::Text(start.to_vec(), empty)
            }
        };
        self.push(node, at, value);
    }

    fn flow(&mut self, _node: NodeId, _at: At, piece: &[u8]) {
        self.text.extend_from_slice(piece);
    }
}
