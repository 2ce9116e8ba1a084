//! What a text is made of.

use super::masks::Masks;
use crate::simd::{BLOCK_BYTES, EscapedLength, Run, scan_escaped};

/// What a [`Tally`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// ASCII letters.
    Letter,
    /// Words: letters of any script that follow something else.
    Word,
    /// ASCII digits.
    Digit,
    /// ASCII punctuation.
    Mark,
    /// Punctuation that follows something else.
    Marks,
    /// Line feeds.
    Line,
    /// All other ASCII: spaces, mostly.
    Space,
    /// Characters of Latin beyond ASCII.
    Latin,
    /// Characters of Greek, Cyrillic and Armenian.
    Greek,
    /// Characters of Hebrew, Arabic and their neighbours.
    Arabic,
    /// Characters of the scripts of India and South-East Asia, and others of three bytes.
    Indic,
    /// Typographic marks, symbols, full-width forms.
    Symbol,
    /// CJK ideographs, kana, and the marks that go with them.
    Ideograph,
    /// Hangul syllables.
    Hangul,
    /// Characters of four bytes: emoji, mostly.
    Emoji,
}

/// How many kinds there are.
pub const KINDS: usize = 15;

/// Thousandths of a token that one of each kind is worth.
///
/// Fitted, least relative error first, to the output that recorded answers without reasoning or tools reported (half of
/// them), and for scripts that those have too little of to texts in thirty languages and some code, counted by two
/// public vocabularies (`o200k_base` and DeepSeek's) whose mean was taken. `host-test/tests/it/estimate.rs` says how
/// far they are off.
pub(super) const WEIGHTS: [u32; KINDS] =
    [118, 465, 890, 164, 710, 560, 60, 1500, 300, 320, 420, 1250, 720, 630, 2200];

/// What a text is made of. Text comes in pieces cut anywhere, even inside a character, and adds up to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    counts: [u32; KINDS],
    /// The byte before the next one.
    pub(super) last: u8,
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: [0; KINDS], last: b' ' }
    }
}

impl Tally {
    /// Takes the next bytes of the text.
    pub fn feed(&mut self, bytes: &[u8]) {
        for block in bytes.chunks(BLOCK_BYTES) {
            self.count(block, Masks::of(block), Run::plain(block));
        }
    }

    /// Takes the next bytes of the text as a JSON string has them; see [`written`].
    pub(super) fn written(&mut self, bytes: &[u8], room: u64) -> EscapedLength {
        scan_escaped(bytes, room, |block, run| {
            self.count(block, Masks::of(block).unescaped(block, run.escaped), run);
        })
    }

    fn count(&mut self, block: &[u8], masks: Masks, run: Run) {
        let Run { text, escaped, last } = run;
        // Before a byte behind a backslash stands what is before that.
        let starts = |kind: u64, goes_on: bool| {
            let before = kind << 1 | u64::from(goes_on);
            let before = (before & !escaped) | (before << 1 & escaped);
            kind & !before
        };
        let (letters, digits, marks) = (masks.letters & text, masks.digits & text, masks.marks & text);
        let (lines, beyond) = (masks.lines & text, masks.beyond & text);
        let others = text & !(letters | digits | marks | lines | beyond);
        self.add(Kind::Letter, letters);
        self.add(Kind::Word, starts(letters | beyond, is_word(self.last)));
        self.add(Kind::Digit, digits);
        self.add(Kind::Mark, marks);
        self.add(Kind::Marks, starts(marks, is_mark(self.last)));
        self.add(Kind::Line, lines);
        self.add(Kind::Space, others);
        let mut leads = masks.leads & text;
        while leads != 0 {
            let at = usize::try_from(leads.trailing_zeros()).unwrap_or(0);
            self.lead(block.get(at).copied().unwrap_or_default());
            leads &= leads.wrapping_sub(1);
        }
        self.last = last;
    }

    fn add(&mut self, kind: Kind, bytes: u64) {
        if let Some(slot) = self.counts.get_mut(kind as usize) {
            *slot = slot.saturating_add(bytes.count_ones());
        }
    }

    /// The first byte of a character tells its script well enough; the others say nothing more.
    fn lead(&mut self, byte: u8) {
        let kind = match byte {
            0xC2 | 0xE2 | 0xEE..=0xEF => Kind::Symbol,
            0xC0..=0xCC => Kind::Latin,
            0xCD..=0xD4 => Kind::Greek,
            0xD5..=0xDF => Kind::Arabic,
            0xE0..=0xE1 => Kind::Indic,
            0xE3..=0xE9 => Kind::Ideograph,
            0xEA..=0xED => Kind::Hangul,
            0xF0.. => Kind::Emoji,
            _ => return,
        };
        self.add(kind, 1);
    }

    /// The text ends; what comes next is another.
    pub fn end(&mut self) {
        self.last = b' ';
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts == [0; KINDS]
    }

    /// How many of each [`Kind`], in their order.
    pub fn counts(&self) -> [u32; KINDS] {
        self.counts
    }

    /// Characters, nearly: by their first bytes.
    pub fn characters(&self) -> u64 {
        let twice = [Kind::Word as usize, Kind::Marks as usize];
        let once = self.counts.iter().enumerate().filter(|(kind, _)| !twice.contains(kind));
        once.map(|(_, count)| u64::from(*count)).fold(0, u64::saturating_add)
    }

    /// The estimate, in thousandths of a token.
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
