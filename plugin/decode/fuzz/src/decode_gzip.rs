//! gzip and deflate against flate2, in both directions.
//!
//! An input is an operation, two places to cut at, and then a body to decode (bit 3 of the operation is 0), or what the
//! content to encode is made of. The operation's lowest bits choose the encoding, its highest the level.

use std::io::Read as _;

use flate2::Compression;
use flate2::read::{DeflateEncoder, GzDecoder, GzEncoder, ZlibEncoder};

use crate::decoding::{content, decode_any, round_trip};

/// Checks one input.
pub fn check(input: &[u8]) {
    let Some((&[operation, a, b], rest)) = input.split_first_chunk() else { return };
    let encoding = ["gzip", "deflate", "gzip, deflate"][usize::from(operation & 3) % 3];
    if operation & 8 == 0 {
        return check_body(encoding, [a, b], rest);
    }
    let content = content(rest);
    let level = Compression::new(u32::from(operation >> 4) % 10);
    let mut body = Vec::new();
    let written = match (encoding, operation & 4) {
        ("gzip", _) => GzEncoder::new(&content[..], level).read_to_end(&mut body),
        // Servers send both forms as "deflate".
        ("deflate", 0) => ZlibEncoder::new(&content[..], level).read_to_end(&mut body),
        ("deflate", _) => DeflateEncoder::new(&content[..], level).read_to_end(&mut body),
        _ => return,
    };
    written.expect("encoding to memory succeeds");
    round_trip(encoding, [a, b], &content, &body);
}

fn check_body(encoding: &str, cuts: [u8; 2], body: &[u8]) {
    let (decoded, end) = decode_any(encoding, cuts, body);
    if encoding == "gzip" {
        // flate2 stops after the first member, but a damaged second member is an error here.
        let mut expected = Vec::new();
        if GzDecoder::new(body).read_to_end(&mut expected).is_ok() && end.is_ok() {
            assert!(decoded.starts_with(&expected));
        }
    }
}
