//! Writes JSON numbers and strings, and reads small documents as values.

mod tree;

use core::fmt::Write as _;

use crate::simd::{BLOCK_BYTES, Run, lanes};

pub use tree::JsonValue;

/// Appends a number. The standard library's formatting is not used: it takes a few hundred instructions for two digits.
pub(crate) fn push_number(json: &mut String, value: u64) {
    let mut digits = [0; 20];
    let (mut left, mut written) = (value, 0_usize);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' | u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
        written = written.saturating_add(1);
        if left == 0 {
            break;
        }
    }
    let digits = digits.iter().skip(digits.len().saturating_sub(written));
    json.extend(digits.map(|digit| char::from(*digit)));
}

/// Appends a JSON string.
pub(crate) fn push_text(json: &mut String, value: &str) {
    json.push('"');
    if value.as_bytes().chunks(BLOCK_BYTES).all(is_plain) {
        json.push_str(value);
    } else {
        for char in value.chars() {
            match u8::try_from(char).ok().filter(u8::is_ascii).and_then(escaped) {
                None => json.push(char),
                Some(b'u') => drop(write!(json, "\\u{:04x}", u32::from(char))),
                Some(escape) => json.extend(['\\', escape.into()]),
            }
        }
    }
    json.push('"');
}

/// Whether no byte of a block has to be escaped.
fn is_plain(block: &[u8]) -> bool {
    let mut others = 0;
    lanes(block, |lane, at| {
        others |= (lane.is(b'"') | lane.is(b'\\') | lane.within(0, 0x20)).wrapping_shl(at);
    });
    // The zeros that fill up the last lane are no bytes of the block.
    others & Run::plain(block).text == 0
}

/// Returns the byte after the backslash of an escape; `None` if the byte need not be escaped.
fn escaped(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' => Some(byte),
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        b'\t' => Some(b't'),
        ..0x20 => Some(b'u'),
        _ => None,
    }
}
