//! The scanner against serde_json. Input: two places to cut at, then the document.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llm_gauge_engine::limits::NUMBER_BYTES_MAX;
use llm_gauge_engine::scan::{At, Ended, Fault, Json, NodeId, Paths, Scalar, Sink};
use twin::{Found, Value};

#[path = "../../src/scan/json/tests/twin.rs"]
mod twin;

const WANTED: &[&str] =
    &["", "a", "a.b", "a[]", "a[].b", "a[].b[]", "[]", "[].a", "[][]", "b", "b.a.b", "\""];
const TEXT_MAX: usize = 9;

/// What was found, where it may be, and the pieces of the string at hand.
struct Collector<'a>(Vec<Found>, &'a Paths, Vec<u8>);

impl Collector<'_> {
    fn push(&mut self, node: NodeId, at: At, value: Value) {
        for path in self.1.node(node).map(|node| node.rules()).unwrap_or_default() {
            let path = usize::from(*path);
            self.0.push(Found { path, outer: at.outer, inner: at.inner, value: value.clone() });
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
                // The pieces are the whole text, of which this is the start.
                let flowed = core::mem::take(&mut self.2);
                assert_eq!((start, empty), (&flowed[..flowed.len().min(TEXT_MAX)], flowed.is_empty()));
                Value::Text(start.to_vec(), empty)
            }
        };
        self.push(node, at, value);
    }

    fn flow(&mut self, _node: NodeId, _at: At, piece: &[u8]) {
        self.2.extend_from_slice(piece);
    }
}

#[derive(Debug, PartialEq)]
struct Read {
    found: Vec<Found>,
    end: Result<Ended, Fault>,
    left: Vec<u8>,
}

fn read(paths: &Paths, pieces: &[&[u8]]) -> Read {
    let mut collector = Collector(Vec::new(), paths, Vec::new());
    let mut json = Json::default();
    let mut left = Vec::new();
    for piece in pieces {
        match json.feed(piece, paths, &mut collector) {
            Ok(rest) => left.extend_from_slice(rest),
            Err(fault) => return Read { found: collector.0, end: Err(fault), left },
        }
    }
    let end = Ok(json.finish(paths, &mut collector));
    Read { found: collector.0, end, left }
}

fuzz_target!(|input: &[u8]| {
    let Some((cuts, document)) = input.split_first_chunk::<2>() else { return };
    let mut paths = Paths::default();
    for (number, path) in (0..).zip(WANTED) {
        paths.add(path, number, TEXT_MAX, true);
    }
    let whole = read(&paths, &[document]);
    let mut cuts = cuts.map(|cut| usize::from(cut) % (document.len() + 1));
    cuts.sort_unstable();
    let pieces = [&document[..cuts[0]], &document[cuts[0]..cuts[1]], &document[cuts[1]..]];
    assert_eq!(read(&paths, &pieces), whole);
    assert_eq!(read(&paths, &document.chunks(1).collect::<Vec<_>>()), whole);
    let depth = document.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
    if let (Ok(text), true) = (str::from_utf8(document), depth < 100) {
        let is_whole =
            whole.end == Ok(Ended::Complete) && whole.left.iter().all(|byte| b" \r\n\t".contains(byte));
        let is_cut = whole.end == Ok(Ended::Incomplete);
        assert!(
            document.trim_ascii().is_empty() || is_cut == twin::is_cut(text, NUMBER_BYTES_MAX),
            "{:?}",
            whole.end
        );
        let found = is_whole.then_some(whole.found);
        assert_eq!(found, twin::read(text, WANTED, TEXT_MAX, NUMBER_BYTES_MAX));
    }
});
