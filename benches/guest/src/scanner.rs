//! The two ways to find a count in a document, also as exports of their own, so that a bench times them in one wasm.

use llm_gauge_engine::scan::{At, Json, NodeId, Paths, Scalar, Sink};
use serde_json::Value;

/// All tokens of a document, by way of a tree of it.
pub(crate) fn tokens(document: &[u8]) -> Option<u64> {
    let document: Value = serde_json::from_slice(document).ok()?;
    document["usage"]["total_tokens"].as_u64()
}

/// Takes the one number that is wanted.
#[derive(Default)]
struct Found(u64);

impl Sink for Found {
    fn open(&mut self, _: NodeId, _: At) {}

    fn scalar(&mut self, _: NodeId, _: At, value: Scalar<'_>) {
        if let Scalar::Number(digits) = value {
            self.0 = digits.parse().unwrap_or(0);
        }
    }

    fn flow(&mut self, _: NodeId, _: At, _: &[u8]) {}
}

/// Room for a document of `bytes` bytes; it is never given back.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "an export")]
extern "C" fn bench_room(bytes: usize) -> *mut u8 {
    Box::leak(vec![0; bytes].into_boxed_slice()).as_mut_ptr()
}

/// `usage.total_tokens` of the document there, by the filter's scanner, in pieces of `piece` bytes; 0: none.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "an export")]
extern "C" fn bench_scan(at: *const u8, bytes: usize, piece: usize) -> u64 {
    // SAFETY: the bench passes a place that `bench_room` gave and that it has filled.
    let document = unsafe { std::slice::from_raw_parts(at, bytes) };
    let mut paths = Paths::default();
    paths.add("usage.total_tokens", 0, 0, false);
    let (mut json, mut found) = (Json::default(), Found::default());
    for piece in document.chunks(piece.max(1)) {
        if json.feed(piece, &paths, &mut found).is_err() {
            return 0;
        }
    }
    found.0
}

/// The same by way of a tree of the whole document.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "an export")]
extern "C" fn bench_tree(at: *const u8, bytes: usize, _: usize) -> u64 {
    // SAFETY: the bench passes a place that `bench_room` gave and that it has filled.
    let document = unsafe { std::slice::from_raw_parts(at, bytes) };
    tokens(document).unwrap_or(0)
}
