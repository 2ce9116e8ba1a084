//! How many tokens a text is, estimated from what it is made of, for exchanges that end without reported usage.
//!
//! Tokenizers cut text into words and runs of marks, long words into parts, and scripts they saw little of into
//! single characters. So a [`Tally`] counts words, letters, digits, runs of marks, lines and the characters of each
//! script, and every kind has its own weight. That needs no vocabulary (those of one provider alone are some
//! megabytes) and no memory beyond the counts. Against the vocabularies it was fitted to, its median error is 6 % in
//! English and code (a fourth of the length: 12 % to 22 %), 10 % to 17 % in other alphabets, 5 % to 23 % in Chinese,
//! Japanese and Korean (57 % to 71 %), and 20 % to 24 % in Indic scripts (33 % to 55 %); an older vocabulary, which it
//! was not fitted to, makes up to four times as many tokens of Indic scripts and Arabic.

mod sampled;

pub use sampled::Sampled;

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
const WEIGHTS: [u32; KINDS] = [118, 465, 890, 164, 710, 560, 60, 1500, 300, 320, 420, 1250, 720, 630, 2200];

/// What a text is made of. Text comes in pieces cut anywhere, even inside a character, and adds up to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    counts: [u32; KINDS],
    /// The byte before the next one.
    last: u8,
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: [0; KINDS], last: b' ' }
    }
}

impl Tally {
    /// Takes the next bytes of the text.
    pub fn feed(&mut self, bytes: &[u8]) {
        let (words, tail) = bytes.as_chunks::<8>();
        let mut plain = Plain::default();
        for word in words {
            let bytes = u64::from_le_bytes(*word);
            if bytes & EACH_TOP == 0 {
                plain.add(bytes, 8, self.last);
                self.last = (bytes >> 56) as u8;
            } else {
                word.iter().for_each(|byte| self.step(*byte));
            }
        }
        // The zeros behind them are of no kind but the rest's, and not counted there.
        let short = tail.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        if tail.len() > 2 && short & EACH_TOP == 0 {
            plain.add(short, tail.len() as u32, self.last);
            self.last = tail.last().copied().unwrap_or(self.last);
        } else {
            tail.iter().for_each(|byte| self.step(*byte));
        }
        if plain.bytes > 0 {
            for (kind, count) in plain.counts() {
                self.add(kind, count);
            }
        }
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
    fn milli_tokens(&self) -> u64 {
        let each = self.counts.iter().zip(WEIGHTS);
        each.map(|(count, weight)| u64::from(*count).saturating_mul(weight.into()))
            .fold(0, u64::saturating_add)
    }

    fn add(&mut self, kind: Kind, count: u32) {
        if let Some(slot) = self.counts.get_mut(kind as usize) {
            *slot = slot.saturating_add(count);
        }
    }

    fn step(&mut self, byte: u8) {
        if is_word(byte) {
            self.add(Kind::Word, u32::from(!is_word(self.last)));
            match byte {
                ..0x80 => self.add(Kind::Letter, 1),
                _ => self.lead(byte),
            }
        } else if byte.is_ascii_digit() {
            self.add(Kind::Digit, 1);
        } else if is_mark(byte) {
            self.add(Kind::Mark, 1);
            self.add(Kind::Marks, u32::from(!is_mark(self.last)));
        } else if byte == b'\n' {
            self.add(Kind::Line, 1);
        } else {
            self.add(Kind::Space, 1);
        }
        self.last = byte;
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
}

/// What eight bytes of ASCII at a time come to. Most text is that, and eight bytes cost as much as one.
#[derive(Clone, Copy, Debug, Default)]
struct Plain {
    bytes: u32,
    letters: u32,
    words: u32,
    digits: u32,
    marks: u32,
    runs: u32,
    lines: u32,
}

/// Each byte 1.
const EACH: u64 = u64::from_ne_bytes([1; 8]);

/// The top bit of each byte, which stands for a yes.
const EACH_TOP: u64 = u64::from_ne_bytes([0x80; 8]);

/// Which bytes are `least` or more; all are below 0x80, so none carries into its neighbour.
const fn at_least(bytes: u64, least: u8) -> u64 {
    bytes.wrapping_add(EACH.wrapping_mul(0x80_u64.wrapping_sub(least as u64)))
}

impl Plain {
    /// The first `count` of eight bytes below 0x80 that follow the byte `last`; the others are zero.
    #[inline]
    fn add(&mut self, bytes: u64, count: u32, last: u8) {
        let lower = bytes | EACH.wrapping_mul(0x20);
        let letters = at_least(lower, b'a') & !at_least(lower, b'z' + 1) & EACH_TOP;
        let digits = at_least(bytes, b'0') & !at_least(bytes, b'9' + 1) & EACH_TOP;
        let visible = at_least(bytes, b'!') & !at_least(bytes, 0x7F) & EACH_TOP;
        let lines = at_least(bytes, b'\n') & !at_least(bytes, b'\n' + 1) & EACH_TOP;
        let marks = visible & !letters & !digits;
        let before = |is: bool| if is { 0x80 } else { 0 };
        let words = letters & !(letters << 8 | before(is_word(last)));
        let runs = marks & !(marks << 8 | before(is_mark(last)));
        self.bytes = self.bytes.wrapping_add(count);
        self.letters = self.letters.wrapping_add(letters.count_ones());
        self.words = self.words.wrapping_add(words.count_ones());
        self.digits = self.digits.wrapping_add(digits.count_ones());
        self.marks = self.marks.wrapping_add(marks.count_ones());
        self.runs = self.runs.wrapping_add(runs.count_ones());
        self.lines = self.lines.wrapping_add(lines.count_ones());
    }

    fn counts(self) -> [(Kind, u32); 7] {
        let told = [self.letters, self.digits, self.marks, self.lines];
        let spaces = told.into_iter().fold(self.bytes, u32::wrapping_sub);
        [
            (Kind::Letter, self.letters),
            (Kind::Word, self.words),
            (Kind::Digit, self.digits),
            (Kind::Mark, self.marks),
            (Kind::Marks, self.runs),
            (Kind::Line, self.lines),
            (Kind::Space, spaces),
        ]
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

/// What a format adds to the tokens of its texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Tokens of its models for a text, in percent of the usual.
    pub text_percent: u16,
    /// Tokens of a template around all messages.
    pub prompt: u16,
    /// Tokens of a template around each message.
    pub turn: u16,
    /// Tokens that tell a model about tools, if there are any.
    pub tools: u16,
    /// Thousandths of a token for each [`Prompt::values`], for keys and marks.
    pub value_milli: u16,
    /// Tokens around each call of a tool in an answer, its name among them.
    pub call: u16,
}

impl Frame {
    /// Text and nothing else.
    pub const NONE: Self = Self { text_percent: 100, prompt: 0, turn: 0, tools: 0, value_milli: 0, call: 0 };
}

/// What a request puts before a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Its texts. Of a long prompt, which is not needed most of the time, not every byte is looked at.
    pub text: Sampled<PROMPT_BYTES_EXACT>,
    /// Messages, each of which a template frames.
    pub turns: u32,
    /// Values and containers in what describes tools, or the form of the answer.
    pub values: u32,
}

/// What came back from a model.
pub type Answer = Sampled<ANSWER_BYTES_EXACT>;

/// Bytes of a prompt's texts that are all looked at.
const PROMPT_BYTES_EXACT: u64 = 2048;

/// Bytes of an answer's texts that are all looked at: some four thousand tokens, which few answers go beyond.
const ANSWER_BYTES_EXACT: u64 = 16_384;

/// What is known of an exchange's tokens without being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// What its format adds.
    pub frame: Frame,
    /// What went to the model.
    pub prompt: Prompt,
    /// What came from it.
    pub answer: Answer,
    /// Calls of tools that came from it.
    pub calls: u32,
}

impl Estimate {
    /// All input, in tokens; 0 where nothing of the request was seen.
    pub fn input_tokens(&self) -> u64 {
        let Prompt { text, turns, values } = self.prompt;
        if text.is_empty() && turns == 0 && values == 0 {
            return 0;
        }
        let frame = &self.frame;
        // A text that is not put as a message becomes one.
        let turns = u64::from(turns.max(1)).saturating_mul(frame.turn.into());
        let tools = if values > 0 { frame.tools } else { 0 };
        let tokens = [frame.prompt.into(), turns, tools.into()].into_iter().fold(0, u64::saturating_add);
        let values = u64::from(values).saturating_mul(frame.value_milli.into());
        let texts = self.milli(&text);
        rounded(texts.saturating_add(values).saturating_add(tokens.saturating_mul(1000)))
    }

    /// All output that was seen, in tokens; 0 where there was none.
    pub fn output_tokens(&self) -> u64 {
        let calls = u64::from(self.calls).saturating_mul(self.frame.call.into());
        rounded(self.milli(&self.answer).saturating_add(calls.saturating_mul(1000)))
    }

    /// Thousandths of a token.
    fn milli<const EXACT: u64>(&self, text: &Sampled<EXACT>) -> u64 {
        let milli = text.milli_tokens().saturating_mul(self.frame.text_percent.into());
        milli.checked_div(100).unwrap_or(0)
    }
}

/// Whole tokens; anything is at least one.
fn rounded(milli: u64) -> u64 {
    match milli {
        0 => 0,
        _ => milli.saturating_add(500).checked_div(1000).unwrap_or(0).max(1),
    }
}

#[cfg(test)]
mod tests;
