//! Helpers that the tests of several modules share: bytes in pieces, and naive twins.

#![allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test may panic")]

use proptest::prelude::*;

#[path = "scan/base64/tests/twin.rs"]
pub(crate) mod base64_twin;
#[path = "scan/frames/tests/twin.rs"]
pub(crate) mod frames_twin;
#[path = "scan/json/tests/twin.rs"]
pub(crate) mod json_twin;
#[path = "scan/sse/tests/twin.rs"]
pub(crate) mod sse_twin;

/// `bytes` cut at `points`, which may lie anywhere.
pub(crate) fn pieces<'a>(bytes: &'a [u8], points: &[usize]) -> Vec<&'a [u8]> {
    let mut points: Vec<_> = points.iter().map(|point| point.checked_rem(bytes.len()).unwrap_or(0)).collect();
    points.sort_unstable();
    let ends = points.iter().copied().chain([bytes.len()]);
    let begins = [0].into_iter().chain(points.iter().copied());
    begins.zip(ends).map(|(begin, end)| &bytes[begin..end]).collect()
}

/// Whole, byte by byte, and in two at every offset.
pub(crate) fn every_cutting(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let in_two = (1..bytes.len()).map(|point| vec![&bytes[..point], &bytes[point..]]);
    [vec![bytes], bytes.chunks(1).collect()].into_iter().chain(in_two).collect()
}

/// Places to cut at.
pub(crate) fn points() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(any::<usize>(), 0..8)
}
