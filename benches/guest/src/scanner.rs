//! Two ways to find a count in a document. They are also exports, so that a bench times them in one wasm.

use llm_gauge_engine::scan::{At, Json, NodeId, Paths, Scalar, Sink};
use serde_json::Value;

/// Returns the total tokens of a document, by parsing it into a tree.
pub(crate) fn tokens(document: &[u8]) -> Option<u64> {
    let document: Value = serde_json::from_slice(document).ok()?;
    document["usage"]["total_tokens"].as_u64()
}

/// A sink that takes the one wanted number.
#[derive(Default)]
struct TokenCount(u64);

impl Sink for TokenCount {
    fn open(&mut self, _: NodeId, _: At) {}

    fn scalar(&mut self, _: NodeId, _: At, value: Scalar<'_>) {
        if let Scalar::Number(digits) = value {
            self.0 = digits.parse().unwrap_or(0);
        }
    }

    fn flow(&mut self, _: NodeId, _: At, _: &[u8]) {}
}

/// Returns memory for a document of `bytes` bytes, which is never freed.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "an export")]
extern "C" fn bench_room(bytes: usize) -> *mut u8 {
    Box::leak(vec![0; bytes].into_boxed_slice()).as_mut_ptr()
}

/// Returns `usage.total_tokens` of a document with the filter's scanner, in pieces of `piece` bytes; 0 if there is
/// none.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "an export")]
extern "C" fn bench_scan(at: *const u8, bytes: usize, piece: usize) -> u64 {
    // SAFETY: the bench passes memory that `bench_room` returned and that it has filled.
    let document = unsafe { std::slice::from_raw_parts(at, bytes) };
    let mut paths = Paths::default();
    paths.add("usage.total_tokens", 0, 0, false);
    let (mut json, mut found) = (Json::default(), TokenCount::default());
    for piece in document.chunks(piece.max(1)) {
        if json.feed(piece, &paths, &mut found).is_err() {
            return 0;
        }
    }
    found.0
}

/// Returns `usage.total_tokens` of a document by parsing it into a tree.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "an export")]
extern "C" fn bench_tree(at: *const u8, bytes: usize, _: usize) -> u64 {
    // SAFETY: the bench passes memory that `bench_room` returned and that it has filled.
    let document = unsafe { std::slice::from_raw_parts(at, bytes) };
    tokens(document).unwrap_or(0)
}
