//! The dictionary to which every stream may refer (RFC 7932 section 8 and appendices A and B).

use std::sync::OnceLock;

use super::super::inflate::Inflate;
use super::super::memory::MemoryBudget;

/// The 122,784 bytes of appendix A in zlib's format, compressed by zopfli. Uncompressed they would be a fifth of the
/// filter.
const PACKED: &[u8] = include_bytes!("dictionary.zz");

/// The binary logarithm of the number of words of each length. No word is shorter than 4 bytes.
const LENGTH_BITS: [u8; 25] =
    [0, 0, 0, 0, 10, 10, 11, 11, 10, 10, 10, 10, 10, 9, 9, 8, 7, 7, 8, 7, 7, 6, 6, 5, 5];

/// The size of appendix A in bytes.
const WORDS_BYTES: usize = 122_784;

/// Returns the words, which are unpacked once per process when a stream first needs one; `None` if there is no memory
/// for them. They belong to no budget, since all streams share them and they are never released.
pub(super) fn dictionary() -> Option<&'static [u8]> {
    static DICTIONARY: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(words) = DICTIONARY.get() {
        return Some(words);
    }
    let mut words = Vec::new();
    words.try_reserve_exact(WORDS_BYTES).ok()?;
    let mut inflate = Inflate::zlib(&MemoryBudget::new(usize::MAX)).ok()?;
    let unpacked = inflate.feed(PACKED, &mut |piece| {
        words.extend_from_slice(piece);
        Ok(())
    });
    debug_assert!(unpacked.is_ok(), "a test reads the file");
    Some(DICTIONARY.get_or_init(|| words))
}

/// Writes the word of this length and number, with its transform applied, to `text`; `None` if there is no such word.
pub(super) fn word(length: usize, number: usize, text: &mut Vec<u8>) -> Option<()> {
    let bits = LENGTH_BITS.get(length).copied().filter(|bits| *bits > 0)?;
    let count = 1usize.wrapping_shl(u32::from(bits));
    let index = number & count.wrapping_sub(1);
    let (prefix, change, suffix) = TRANSFORMS.get(number.wrapping_shr(u32::from(bits)))?;
    let shorter = LENGTH_BITS.iter().enumerate().take(length).filter(|(_, bits)| **bits > 0);
    let before =
        shorter.fold(0usize, |sum, (length, bits)| sum.saturating_add(length.wrapping_shl(u32::from(*bits))));
    let start = before.saturating_add(index.saturating_mul(length));
    let word = dictionary()?.get(start..start.saturating_add(length))?;
    text.clear();
    text.extend_from_slice(prefix);
    let begin = text.len();
    let kept = match *change {
        First(count) => word.get(usize::from(count)..),
        Last(count) => word.get(..word.len().saturating_sub(usize::from(count))),
        Keep | Capital | Capitals => Some(word),
    };
    text.extend_from_slice(kept.unwrap_or_default());
    let mut rest = text.get_mut(begin..).unwrap_or_default();
    match change {
        Capital => drop(capitalise(rest)),
        Capitals => {
            while !rest.is_empty() {
                rest = capitalise(rest);
            }
        }
        Keep | First(_) | Last(_) => {}
    }
    text.extend_from_slice(suffix);
    Some(())
}

/// Makes the first character upper case, by a rule that is exact only for Latin letters, and returns the bytes after
/// it.
fn capitalise(text: &mut [u8]) -> &mut [u8] {
    let (place, mask, length) = match text.first() {
        Some(b'a'..=b'z') => (0, 32, 1),
        Some(0..192) | None => (0, 0, 1),
        Some(192..224) => (1, 32, 2),
        Some(224..) => (2, 5, 3),
    };
    if let Some(byte) = text.get_mut(place) {
        *byte ^= mask;
    }
    text.get_mut(length..).unwrap_or_default()
}

/// The change that a transform makes to a word.
#[derive(Clone, Copy, Debug)]
enum Change {
    Keep,
    /// This many of the first bytes are left out.
    First(u8),
    /// This many of the last bytes are left out.
    Last(u8),
    Capital,
    Capitals,
}

use Change::{Capital, Capitals, First, Keep, Last};

/// The prefix, the change and the suffix of each transform.
#[rustfmt::skip] // one transform per line would be 121 lines
const TRANSFORMS: [(&[u8], Change, &[u8]); 121] = [
    (b"", Keep, b""), (b"", Keep, b" "), (b" ", Keep, b" "), (b"", First(1), b""), (b"", Capital, b" "),
    (b"", Keep, b" the "), (b" ", Keep, b""), (b"s ", Keep, b" "), (b"", Keep, b" of "), (b"", Capital, b""),
    (b"", Keep, b" and "), (b"", First(2), b""), (b"", Last(1), b""), (b", ", Keep, b" "), (b"", Keep, b", "),
    (b" ", Capital, b" "), (b"", Keep, b" in "), (b"", Keep, b" to "), (b"e ", Keep, b" "),
    (b"", Keep, b"\""), (b"", Keep, b"."), (b"", Keep, b"\">"), (b"", Keep, b"\n"), (b"", Last(3), b""),
    (b"", Keep, b"]"), (b"", Keep, b" for "), (b"", First(3), b""), (b"", Last(2), b""), (b"", Keep, b" a "),
    (b"", Keep, b" that "), (b" ", Capital, b""), (b"", Keep, b". "), (b".", Keep, b""), (b" ", Keep, b", "),
    (b"", First(4), b""), (b"", Keep, b" with "), (b"", Keep, b"'"), (b"", Keep, b" from "),
    (b"", Keep, b" by "), (b"", First(5), b""), (b"", First(6), b""), (b" the ", Keep, b""),
    (b"", Last(4), b""), (b"", Keep, b". The "), (b"", Capitals, b""), (b"", Keep, b" on "),
    (b"", Keep, b" as "), (b"", Keep, b" is "), (b"", Last(7), b""), (b"", Last(1), b"ing "),
    (b"", Keep, b"\n\t"), (b"", Keep, b":"), (b" ", Keep, b". "), (b"", Keep, b"ed "), (b"", First(9), b""),
    (b"", First(7), b""), (b"", Last(6), b""), (b"", Keep, b"("), (b"", Capital, b", "), (b"", Last(8), b""),
    (b"", Keep, b" at "), (b"", Keep, b"ly "), (b" the ", Keep, b" of "), (b"", Last(5), b""),
    (b"", Last(9), b""), (b" ", Capital, b", "), (b"", Capital, b"\""), (b".", Keep, b"("),
    (b"", Capitals, b" "), (b"", Capital, b"\">"), (b"", Keep, b"=\""), (b" ", Keep, b"."),
    (b".com/", Keep, b""), (b" the ", Keep, b" of the "), (b"", Capital, b"'"), (b"", Keep, b". This "),
    (b"", Keep, b","), (b".", Keep, b" "), (b"", Capital, b"("), (b"", Capital, b"."), (b"", Keep, b" not "),
    (b" ", Keep, b"=\""), (b"", Keep, b"er "), (b" ", Capitals, b" "), (b"", Keep, b"al "),
    (b" ", Capitals, b""), (b"", Keep, b"='"), (b"", Capitals, b"\""), (b"", Capital, b". "),
    (b" ", Keep, b"("), (b"", Keep, b"ful "), (b" ", Capital, b". "), (b"", Keep, b"ive "),
    (b"", Keep, b"less "), (b"", Capitals, b"'"), (b"", Keep, b"est "), (b" ", Capital, b"."),
    (b"", Capitals, b"\">"), (b" ", Keep, b"='"), (b"", Capital, b","), (b"", Keep, b"ize "),
    (b"", Capitals, b"."), (b"\xC2\xA0", Keep, b""), (b" ", Keep, b","), (b"", Capital, b"=\""),
    (b"", Capitals, b"=\""), (b"", Keep, b"ous "), (b"", Capitals, b", "), (b"", Capital, b"='"),
    (b" ", Capital, b","), (b" ", Capitals, b"=\""), (b" ", Capitals, b", "), (b"", Capitals, b","),
    (b"", Capitals, b"("), (b"", Capitals, b". "), (b" ", Capitals, b"."), (b"", Capitals, b"='"),
    (b" ", Capitals, b". "), (b" ", Capital, b"=\""), (b" ", Capitals, b"='"), (b" ", Capital, b"='"),
];

/// Returns the transforms in the form that the RFC's checksum covers, where each prefix and suffix ends in 0.
#[cfg(test)]
pub(super) fn transforms() -> Vec<u8> {
    let row = |(prefix, change, suffix): &(&[u8], Change, &[u8])| {
        let change = match *change {
            Keep => 0,
            Capital => 1,
            Capitals => 2,
            First(count) if count < 9 => count.saturating_add(2),
            First(_) => 11,
            Last(count) => count.saturating_add(11),
        };
        [prefix, &[0, change][..], suffix, &[0]].concat()
    };
    TRANSFORMS.iter().flat_map(row).collect()
}
