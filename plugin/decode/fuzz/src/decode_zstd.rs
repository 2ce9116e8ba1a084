//! zstd against its reference, in both directions.
//!
//! An input is an operation, two places to cut at, and then a body to decode (operation even), or what the
//! content to encode is made of. The operation's further bits and the places set the encoder's options.

use crate::decoding::{assert_as_reference, content, decode_any, round_trip};
use crate::references::{Options, zstd_decode, zstd_encode};

/// Checks one input.
pub fn check(input: &[u8]) {
    let Some((&[operation, a, b], rest)) = input.split_first_chunk() else { return };
    if operation & 1 == 0 {
        return assert_as_reference(&decode_any("zstd", [a, b], rest), zstd_decode(rest));
    }
    let content = content(rest);
    let options = Options {
        level: (operation >> 3).cast_signed() % 20 - 8,
        window_log: 10 + (b & 15),
        has_checksum: operation & 2 != 0,
        piece_bytes: if operation & 4 == 0 { 100_000 } else { 500 + usize::from(a) },
    };
    if let Some(body) = zstd_encode(&content, options) {
        round_trip("zstd", [a, b], &content, &body);
    }
}
