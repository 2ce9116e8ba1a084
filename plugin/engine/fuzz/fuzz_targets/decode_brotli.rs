//! Brotli against the reference: hostile bytes in any cutting, and what its encoder makes of content. Input: what
//! to do, two places to cut at, then the body or the content.
#![no_main]

use std::io::{Read as _, Write as _};

use brotlic::{BrotliEncoderOptions, CompressorWriter, Quality, WindowSize};
use libfuzzer_sys::fuzz_target;

mod decode;

const EXPECTED_BYTES_MAX: usize = 1 << 16;

fn expected(body: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = brotlic::DecompressorReader::new(body);
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
        if let Some(content) = expected(rest).filter(|content| !content.is_empty()) {
            assert!(decoded == (content, Ok(())), "the reference reads it, we say {:?}", decoded.1);
        }
        return;
    }
    let content = decode::content(rest);
    let mut options = BrotliEncoderOptions::new();
    options.quality(Quality::new((what >> 4) % 10).unwrap_or_default());
    options.window_size(WindowSize::new(10 + b % 15).unwrap_or_default());
    let encoder = options.build().expect("an encoder");
    let mut encoder = CompressorWriter::with_encoder(encoder, Vec::new());
    for piece in content.chunks(if what & 4 == 0 { 100_000 } else { 500 + usize::from(a) }) {
        encoder.write_all(piece).expect("a write to memory");
        encoder.flush().expect("a flush to memory");
    }
    let body = encoder.into_inner().expect("an end");
    decode::round_trip("br", [a, b], &content, &body);
});
