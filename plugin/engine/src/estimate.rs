//! How many tokens a text is, estimated from what it is made of, for exchanges that end without reported usage.
//!
//! Tokenizers cut text into words and runs of marks, long words into parts, and scripts they saw little of into
//! single characters. So a [`Tally`] counts words, letters, digits, runs of marks, lines and the characters of each
//! script, and every kind has its own weight. That needs no vocabulary (those of one provider alone are some
//! megabytes) and no memory beyond the counts, and is within some percent of a tokenizer in every script, where
//! a fourth of the length is off by a quarter in English and by three quarters in Hindi or Chinese.

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

/// Bytes looked at together, which SIMD does in one go.
const BLOCK: usize = 16;

/// One block, or a count for each place of blocks.
type Lanes = [u8; BLOCK];

/// Blocks after which counts of a place, which are bytes, have to be taken over.
const BLOCKS_MAX: usize = 255;

impl Tally {
    /// Takes the next bytes of the text.
    pub fn feed(&mut self, bytes: &[u8]) {
        let Some((&first, rest)) = bytes.split_first() else {
            return;
        };
        self.step(first);
        // Each byte beside the one before it.
        let (blocks, _) = rest.as_chunks::<BLOCK>();
        let (before, _) = bytes.as_chunks::<BLOCK>();
        for (blocks, before) in blocks.chunks(BLOCKS_MAX).zip(before.chunks(BLOCKS_MAX)) {
            self.blocks(blocks, before);
        }
        let done = blocks.len().saturating_mul(BLOCK);
        for byte in rest.get(done..).unwrap_or_default() {
            self.step(*byte);
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

    /// At most [`BLOCKS_MAX`] blocks, each with the bytes that stand one before its own.
    fn blocks(&mut self, blocks: &[Lanes], before: &[Lanes]) {
        let (mut letters, mut words, mut digits) = ([0; BLOCK], [0; BLOCK], [0; BLOCK]);
        let (mut marks, mut runs, mut lines) = ([0; BLOCK], [0; BLOCK], [0; BLOCK]);
        let mut spaces = [0; BLOCK];
        for (block, before) in blocks.iter().zip(before) {
            let all = block.iter().chain(before).fold(0, |all, byte| all | byte);
            if all >= 0x80 {
                self.last = before.first().copied().unwrap_or(b' ');
                block.iter().for_each(|byte| self.step(*byte));
                continue;
            }
            count(&mut letters, block, before, |byte, _| is_letter(byte));
            count(&mut words, block, before, |byte, before| is_letter(byte) & !is_letter(before));
            count(&mut digits, block, before, |byte, _| byte.is_ascii_digit());
            count(&mut marks, block, before, |byte, _| is_mark(byte));
            count(&mut runs, block, before, |byte, before| is_mark(byte) & !is_mark(before));
            count(&mut lines, block, before, |byte, _| byte == b'\n');
            count(&mut spaces, block, before, |byte, _| is_space(byte));
            self.last = block.last().copied().unwrap_or(b' ');
        }
        let lanes = [letters, words, digits, marks, runs, lines, spaces];
        let kinds = [Kind::Letter, Kind::Word, Kind::Digit, Kind::Mark, Kind::Marks, Kind::Line, Kind::Space];
        for (kind, lanes) in kinds.into_iter().zip(lanes) {
            self.add(kind, lanes.iter().map(|lane| u32::from(*lane)).fold(0, u32::saturating_add));
        }
    }
}

#[inline(always)]
fn count(counts: &mut Lanes, block: &Lanes, before: &Lanes, is: impl Fn(u8, u8) -> bool) {
    for ((count, byte), before) in counts.iter_mut().zip(block).zip(before) {
        *count = count.wrapping_add(u8::from(is(*byte, *before)));
    }
}

fn is_letter(byte: u8) -> bool {
    (byte | 0x20).wrapping_sub(b'a') < 26
}

fn is_word(byte: u8) -> bool {
    is_letter(byte) || byte >= 0x80
}

/// Written without branches: it runs on sixteen bytes at once.
fn is_mark(byte: u8) -> bool {
    (byte > b' ') & (byte < 0x7F) & !is_letter(byte) & !byte.is_ascii_digit()
}

fn is_space(byte: u8) -> bool {
    ((byte <= b' ') & (byte != b'\n')) | (byte == 0x7F)
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
    /// Its texts.
    pub text: Tally,
    /// Messages, each of which a template frames.
    pub turns: u32,
    /// Values and containers in what describes tools, or the form of the answer.
    pub values: u32,
}

/// What is known of an exchange's tokens without being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// What its format adds.
    pub frame: Frame,
    /// What went to the model.
    pub prompt: Prompt,
    /// What came from it.
    pub answer: Tally,
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
        rounded(self.milli(&text).saturating_add(values).saturating_add(tokens.saturating_mul(1000)))
    }

    /// All output that was seen, in tokens; 0 where there was none.
    pub fn output_tokens(&self) -> u64 {
        let calls = u64::from(self.calls).saturating_mul(self.frame.call.into());
        rounded(self.milli(&self.answer).saturating_add(calls.saturating_mul(1000)))
    }

    /// Thousandths of a token.
    fn milli(&self, text: &Tally) -> u64 {
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
