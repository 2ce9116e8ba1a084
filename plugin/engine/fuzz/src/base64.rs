//! The base64 decoder against bits taken one by one, and against the crate of that name.
//!
//! An input is an operation, two places to cut at, and then text to decode (operation even) or bytes to encode.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use llm_gauge_decode_fuzz::cuttings::cuttings;

use crate::base64_decoder::Base64;
use crate::twins::base64_twin;

/// Checks one input.
pub fn check(input: &[u8]) {
    let Some((&[operation, cuts @ ..], rest)) = input.split_first_chunk::<3>() else { return };
    let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
    if operation & 1 == 0 {
        let decoded = check_text(rest, cuts);
        for engine in engines {
            if let Ok(bytes) = engine.decode(rest) {
                assert_eq!(decoded, (bytes, false));
            }
        }
        return;
    }
    let text = engines[usize::from(operation >> 1) % engines.len()].encode(rest);
    assert_eq!(check_text(text.as_bytes(), cuts), (rest.to_vec(), false));
}

/// Returns the bytes to which the text decodes in any pieces, and whether the text has a byte of no alphabet.
fn check_text(text: &[u8], cuts: [u8; 2]) -> (Vec<u8>, bool) {
    let expected = base64_twin::decoded(text);
    for pieces in cuttings(text, cuts) {
        assert_eq!(decode(&pieces), expected);
    }
    expected
}

fn decode(pieces: &[&[u8]]) -> (Vec<u8>, bool) {
    let mut base64 = Base64::default();
    let mut bytes = Vec::new();
    for piece in pieces {
        base64.feed(piece, |part| bytes.extend_from_slice(part));
    }
    (bytes, base64.is_bad())
}
