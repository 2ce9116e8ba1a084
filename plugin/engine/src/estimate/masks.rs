//! Bit masks of a block, with a bit for each byte.

use crate::simd::{lanes, unescape};

/// The bytes of a block in each class.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Masks {
    /// ASCII letters.
    pub(super) letters: u64,
    /// ASCII digits.
    pub(super) digits: u64,
    /// ASCII punctuation.
    pub(super) marks: u64,
    /// Line feeds.
    pub(super) lines: u64,
    /// Bytes that are not ASCII.
    pub(super) beyond: u64,
    /// The first bytes of characters that are not ASCII.
    pub(super) leads: u64,
}

impl Masks {
    /// Returns the masks of a block without escapes.
    pub(super) fn of(block: &[u8]) -> Self {
        let mut masks = Self::default();
        let mut visible = 0;
        lanes(block, |lane, at| {
            masks.letters |= lane.lowered().within(b'a', 26).wrapping_shl(at);
            masks.digits |= lane.within(b'0', 10).wrapping_shl(at);
            visible |= lane.within(b'!', 0x7F - b'!').wrapping_shl(at);
            masks.lines |= lane.is(b'\n').wrapping_shl(at);
            masks.beyond |= lane.top().wrapping_shl(at);
            masks.leads |= lane.two_tops().wrapping_shl(at);
        });
        masks.marks = visible & !masks.letters & !masks.digits;
        masks
    }

    /// Returns the masks with the bytes after backslashes (`escaped`) in the classes of the characters they stand for.
    pub(super) fn unescaped(mut self, block: &[u8], escaped: u64) -> Self {
        let mut letters = escaped & self.letters;
        while letters != 0 {
            let at = usize::try_from(letters.trailing_zeros()).unwrap_or(0);
            let bit = letters & letters.wrapping_neg();
            letters &= !bit;
            let byte = block.get(at).copied().unwrap_or_default();
            let resolved = unescape(byte);
            if resolved != byte {
                self.letters &= !bit;
                self.lines |= if resolved == b'\n' { bit } else { 0 };
            }
        }
        self
    }
}
