#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]

use super::Base64;
use crate::testing::base64_twin as twin;

fn decoded(pieces: &[&[u8]]) -> (Vec<u8>, bool) {
    let mut base64 = Base64::default();
    let mut bytes = Vec::new();
    for piece in pieces {
        base64.feed(piece, |part| bytes.extend_from_slice(part));
    }
    assert_eq!(
        (&bytes, base64.is_bad()),
        (&twin::decoded(&pieces.concat()).0, twin::decoded(&pieces.concat()).1)
    );
    (bytes, base64.is_bad())
}

#[test]
fn base64_decodes_the_vectors_of_rfc_4648_section_10() {
    let vectors = [
        ("", ""),
        ("Zg==", "f"),
        ("Zm8=", "fo"),
        ("Zm9v", "foo"),
        ("Zm9vYg==", "foob"),
        ("Zm9vYmE=", "fooba"),
        ("Zm9vYmFy", "foobar"),
        ("Zm9vYg", "foob"),
    ];
    for (text, plain) in vectors {
        assert_eq!(decoded(&[text.as_bytes()]), (plain.as_bytes().to_vec(), false), "{text}");
    }
    assert_eq!(decoded(&[b"-_+/"]), (vec![0xFB, 0xFF, 0xBF], false));
}

#[test]
fn base64_decodes_alike_cut_at_any_byte() {
    let plain: Vec<u8> = (0..=255).chain(0..=255).collect();
    let text: Vec<u8> = {
        // Takes six bits at a time, the slow way.
        let bits = plain.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
        let bits: Vec<u8> = bits.collect();
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let sextet = |bits: &[u8]| {
            let value = bits.iter().chain([0; 6].iter()).take(6).fold(0, |value, bit| value << 1 | bit);
            alphabet[usize::from(value)]
        };
        bits.chunks(6).map(sextet).collect()
    };
    for at in 0..=text.len() {
        let (before, after) = text.split_at(at);
        assert_eq!(decoded(&[before, after]), (plain.clone(), false), "cut at {at}");
    }
}

#[test]
fn base64_stops_at_any_other_byte() {
    assert_eq!(decoded(&[b"Zm9v!Zm9v"]), (b"foo".to_vec(), true));
    assert_eq!(decoded(&[b"\xff"]), (Vec::new(), true));
}
