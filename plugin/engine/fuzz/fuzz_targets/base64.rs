//! Base64 against bits one by one, and against the crate of that name. Input: what to do, two places to cut at, then
//! text or what becomes text.
#![no_main]

use base64_crate::Engine as _;
use base64_crate::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;

#[rustfmt::skip]
#[path = "../../src/scan/base64.rs"]
mod base64;
mod cut;
#[path = "../../src/scan/base64/tests/twin.rs"]
mod twin;

fn read(pieces: &[&[u8]]) -> (Vec<u8>, bool) {
    let mut base64 = base64::Base64::default();
    let mut bytes = Vec::new();
    for piece in pieces {
        base64.feed(piece, |part| bytes.extend_from_slice(part));
    }
    (bytes, base64.is_bad())
}

fn check(text: &[u8], cuts: [u8; 2]) -> (Vec<u8>, bool) {
    let expected = twin::decoded(text);
    for pieces in cut::cuttings(text, cuts) {
        assert_eq!(read(&pieces), expected);
    }
    expected
}

fuzz_target!(|input: &[u8]| {
    let Some((&[what, cuts @ ..], rest)) = input.split_first_chunk::<3>() else { return };
    let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
    if what & 1 == 0 {
        let found = check(rest, cuts);
        for engine in engines {
            if let Ok(bytes) = engine.decode(rest) {
                assert_eq!(found, (bytes, false));
            }
        }
        return;
    }
    let text = engines[usize::from(what >> 1) % engines.len()].encode(rest);
    assert_eq!(check(text.as_bytes(), cuts), (rest.to_vec(), false));
});
