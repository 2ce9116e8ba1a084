//! Brotli against the crate `brotli`: hostile bytes in any cutting, and what its encoder makes of content. Input: what
//! to do, two places to cut at, then the body or the content.
#![no_main]

use std::io::{Read as _, Write as _};

use libfuzzer_sys::fuzz_target;

mod decode;

const EXPECTED_BYTES_MAX: usize = 1 << 20;

fn expected(body: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = brotli::Decompressor::new(body, 4096);
    let mut content = vec![0; EXPECTED_BYTES_MAX];
    let mut length = 0;
    while length < content.len() {
        match decoder.read(&mut content[length..]).ok()? {
            0 => {
                content.truncate(length);
                return Some(content);
            }
            read => length += read,
        }
    }
    None
}

fuzz_target!(|input: &[u8]| {
    let Some((&[what, a, b], rest)) = input.split_first_chunk() else { return };
    if what & 1 == 0 {
        let decoded = decode::any("br", [a, b], rest);
        // Their decoder takes windows beyond 16 MiB, which are no part of RFC 7932.
        let is_large = rest.first().is_some_and(|byte| byte & 0x7F == 0x11);
        if let Some(content) = expected(rest).filter(|content| !content.is_empty() && !is_large) {
            assert!(decoded == (content, Ok(())), "the reference reads it, we say {:?}", decoded.1);
        }
        return;
    }
    let content = decode::content(rest);
    let (quality, window) = (u32::from(what >> 4) % 12, 10 + u32::from(b) % 15);
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, quality, window);
    for piece in content.chunks(if what & 4 == 0 { 100_000 } else { 5000 + usize::from(a) }) {
        encoder.write_all(piece).expect("a write to memory");
        encoder.flush().expect("a flush to memory");
    }
    let body = encoder.into_inner();
    decode::round_trip("br", [a, b], &content, &body);
});
