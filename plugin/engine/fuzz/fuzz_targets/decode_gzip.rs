//! gzip and deflate: hostile bytes in any cutting, and what flate2 and zlib's formats make of content. Input: what to
//! do, two places to cut at, then the body or the content.
#![no_main]

use std::io::Read as _;

use flate2::Compression;
use libfuzzer_sys::fuzz_target;

mod decode;

fuzz_target!(|input: &[u8]| {
    let Some((&[what, a, b], rest)) = input.split_first_chunk() else { return };
    let cuts = [a, b];
    let level = Compression::new(u32::from(what >> 4) % 10);
    let encoding = ["gzip", "deflate", "gzip, deflate"][usize::from(what & 3) % 3];
    if what & 8 == 0 {
        let (decoded, end) = decode::any(encoding, cuts, rest);
        let mut expected = Vec::new();
        let expected_end = match encoding {
            "gzip" => flate2::read::GzDecoder::new(rest).read_to_end(&mut expected),
            _ => return,
        };
        // A damaged member after the first is an error to us; they stop at the first.
        if expected_end.is_ok() && end.is_ok() {
            assert!(decoded.starts_with(&expected));
        }
        return;
    }
    let content = decode::content(rest);
    let mut body = Vec::new();
    let made = match (encoding, what & 4) {
        ("gzip", _) => flate2::read::GzEncoder::new(&content[..], level).read_to_end(&mut body),
        (_, 0) => flate2::read::ZlibEncoder::new(&content[..], level).read_to_end(&mut body),
        _ => flate2::read::DeflateEncoder::new(&content[..], level).read_to_end(&mut body),
    };
    made.expect("an encoder that works");
    if encoding != "gzip, deflate" {
        decode::round_trip(encoding, cuts, &content, &body);
    }
});
