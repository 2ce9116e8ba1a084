//! zstd against the reference: hostile bytes in any cutting, and what its encoder makes of content. Input: what to do,
//! two places to cut at, then the body or the content.
#![no_main]

use std::io::{Read as _, Write as _};

use libfuzzer_sys::fuzz_target;

mod decode;

const WINDOW_LOG_MAX: u32 = 23;
const EXPECTED_BYTES_MAX: usize = 1 << 16;

fn expected(body: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::new(body).ok()?;
    decoder.window_log_max(WINDOW_LOG_MAX).ok()?;
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
        let decoded = decode::any("zstd", [a, b], rest);
        if let Some(content) = expected(rest).filter(|content| !content.is_empty()) {
            assert!(decoded == (content, Ok(())), "the reference reads it, we say {:?}", decoded.1);
        }
        return;
    }
    let content = decode::content(rest);
    let level = i32::from(what >> 3) % 20 - 8;
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), level).expect("a level");
    encoder.window_log(WINDOW_LOG_MAX.min(10 + u32::from(b & 15))).expect("a window");
    encoder.include_checksum(what & 2 != 0).expect("a flag");
    for piece in content.chunks(if what & 4 == 0 { 100_000 } else { 500 + usize::from(a) }) {
        encoder.write_all(piece).expect("a write to memory");
        encoder.flush().expect("a flush to memory");
    }
    let body = encoder.finish().expect("an end");
    decode::round_trip("zstd", [a, b], &content, &body);
});
