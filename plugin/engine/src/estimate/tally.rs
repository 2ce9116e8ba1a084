//! Counts the features of a text.

use super::masks::Masks;
use crate::simd::{BLOCK_BYTES, EscapedLength, Run, scan_escaped};

/// A feature that a [`Tally`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TextFeature {
    /// ASCII letters.
    Letter,
    /// Words: letters of any script that follow another byte.
    Word,
    /// ASCII digits.
    Digit,
    /// ASCII punctuation.
    Punctuation,
    /// Runs of punctuation.
    PunctuationRun,
    /// Line feeds.
    LineFeed,
    /// All other ASCII, mostly spaces.
    Space,
    /// Latin characters outside ASCII.
    Latin,
    /// Greek, Cyrillic and Armenian characters.
    Greek,
    /// Characters of Hebrew, Arabic and related scripts.
    Arabic,
    /// Characters of the scripts of India and South-East Asia, and other characters of three bytes.
    Indic,
    /// Typographic marks, symbols and full-width forms.
    Symbol,
    /// CJK ideographs, kana, and their punctuation.
    Ideograph,
    /// Hangul syllables.
    Hangul,
    /// Characters of four bytes, mostly emoji.
    Emoji,
}

/// The number of features.
pub const TEXT_FEATURES: usize = 15;

/// The weight of each feature in thousandths of a token.
///
/// The weights were fitted by least relative error. One half of the data is the output that recorded answers without
/// reasoning or tools reported. For scripts that are rare there, texts in thirty languages and some code were counted
/// with two public vocabularies (`o200k_base` and DeepSeek's), whose mean was taken. `host-test/tests/it/estimate.rs`
/// shows the errors.
pub(super) const WEIGHTS: [u32; TEXT_FEATURES] =
    [118, 465, 890, 164, 710, 560, 60, 1500, 300, 320, 420, 1250, 720, 630, 2200];

/// The counted features of a text. The result does not depend on how the text is split into pieces, even inside a
/// character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    counts: [u32; TEXT_FEATURES],
    /// The last byte of the text so far.
    pub(super) last: u8,
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: [0; TEXT_FEATURES], last: b' ' }
    }
}

impl Tally {
    /// Adds the next bytes of the text.
    pub fn feed(&mut self, bytes: &[u8]) {
        for block in bytes.chunks(BLOCK_BYTES) {
            self.count(block, Masks::of(block), Run::plain(block));
        }
    }

    /// Adds up to `room` bytes of the text as written in a JSON string. Returns how many were taken; see
    /// [`scan_escaped`].
    pub(super) fn feed_escaped(&mut self, bytes: &[u8], room: u64) -> EscapedLength {
        scan_escaped(bytes, room, |block, run| {
            self.count(block, Masks::of(block).unescaped(block, run.escaped), run);
        })
    }

    fn count(&mut self, block: &[u8], masks: Masks, run: Run) {
        let Run { text, escaped, last } = run;
        // The byte before a byte after a backslash is the one before the backslash.
        let starts = |kind: u64, goes_on: bool| {
            let before = kind << 1 | u64::from(goes_on);
            let before = (before & !escaped) | (before << 1 & escaped);
            kind & !before
        };
        let (letters, digits, marks) = (masks.letters & text, masks.digits & text, masks.marks & text);
        let (lines, beyond) = (masks.lines & text, masks.beyond & text);
        let others = text & !(letters | digits | marks | lines | beyond);
        self.add(TextFeature::Letter, letters);
        self.add(TextFeature::Word, starts(letters | beyond, is_word(self.last)));
        self.add(TextFeature::Digit, digits);
        self.add(TextFeature::Punctuation, marks);
        self.add(TextFeature::PunctuationRun, starts(marks, is_mark(self.last)));
        self.add(TextFeature::LineFeed, lines);
        self.add(TextFeature::Space, others);
        let mut leads = masks.leads & text;
        while leads != 0 {
            let at = usize::try_from(leads.trailing_zeros()).unwrap_or(0);
            self.lead(block.get(at).copied().unwrap_or_default());
            leads &= leads.wrapping_sub(1);
        }
        self.last = last;
    }

    fn add(&mut self, kind: TextFeature, bytes: u64) {
        if let Some(slot) = self.counts.get_mut(kind as usize) {
            *slot = slot.saturating_add(bytes.count_ones());
        }
    }

    /// Counts a character by its first byte, which indicates the script well enough.
    fn lead(&mut self, byte: u8) {
        let kind = match byte {
            0xC2 | 0xE2 | 0xEE..=0xEF => TextFeature::Symbol,
            0xC0..=0xCC => TextFeature::Latin,
            0xCD..=0xD4 => TextFeature::Greek,
            0xD5..=0xDF => TextFeature::Arabic,
            0xE0..=0xE1 => TextFeature::Indic,
            0xE3..=0xE9 => TextFeature::Ideograph,
            0xEA..=0xED => TextFeature::Hangul,
            0xF0.. => TextFeature::Emoji,
            _ => return,
        };
        self.add(kind, 1);
    }

    /// Ends a text; the next bytes belong to another.
    pub fn end(&mut self) {
        self.last = b' ';
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts == [0; TEXT_FEATURES]
    }

    /// Returns the count of each [`TextFeature`], in their order.
    pub fn counts(&self) -> [u32; TEXT_FEATURES] {
        self.counts
    }

    /// Returns the approximate number of characters, counted by their first bytes.
    pub fn characters(&self) -> u64 {
        let twice = [TextFeature::Word as usize, TextFeature::PunctuationRun as usize];
        let once = self.counts.iter().enumerate().filter(|(kind, _)| !twice.contains(kind));
        once.map(|(_, count)| u64::from(*count)).fold(0, u64::saturating_add)
    }

    /// Returns the estimate in thousandths of a token.
    pub(super) fn milli_tokens(&self) -> u64 {
        let each = self.counts.iter().zip(WEIGHTS);
        each.map(|(count, weight)| u64::from(*count).saturating_mul(weight.into()))
            .fold(0, u64::saturating_add)
    }
}

fn is_letter(byte: u8) -> bool {
    (byte | 0x20).wrapping_sub(b'a') < 26
}

fn is_word(byte: u8) -> bool {
    is_letter(byte) || byte >= 0x80
}

fn is_mark(byte: u8) -> bool {
    (byte > b' ') & (byte < 0x7F) & !is_letter(byte) & !byte.is_ascii_digit()
}
