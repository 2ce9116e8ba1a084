//! The tally of a long text, of which not every byte is looked at.

use super::Tally;
use crate::simd::scan_escaped;

/// Beyond the bytes that are all looked at, a sample begins every so many bytes.
const SAMPLE_EVERY_BYTES: u64 = 1024;

/// Bytes of a sample.
const SAMPLE_BYTES: u64 = 128;

/// What texts are made of: all of their first `EXACT_BYTES`, and samples of the rest. They come in pieces cut anywhere
/// and add up to the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sampled<const EXACT_BYTES: u64> {
    begin: Tally,
    samples: Tally,
    /// Bytes of all texts.
    bytes: u64,
}

/// What is done with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Begin,
    Sample,
    Skipped,
}

impl<const EXACT_BYTES: u64> Sampled<EXACT_BYTES> {
    /// Takes the next bytes of a text.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut left = bytes;
        while !left.is_empty() {
            let (room, part) = self.part();
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let (now, rest) = left.split_at_checked(room).unwrap_or((left, b""));
            match part {
                Part::Begin => self.begin.feed(now),
                Part::Sample => self.samples.feed(now),
                Part::Skipped => {}
            }
            self.passed(part, now.len() as u64, now.last().copied());
            left = rest;
        }
    }

    /// Takes what it can of a text as a JSON string has it, and says how much that is; the bytes behind it are the
    /// closing quote, or an escape that has to be resolved first.
    pub(crate) fn written(&mut self, bytes: &[u8]) -> usize {
        let mut taken: usize = 0;
        while let Some(left) = bytes.get(taken..).filter(|left| !left.is_empty()) {
            let (room, part) = self.part();
            let now = match part {
                Part::Begin => self.begin.written(left, room),
                Part::Sample => self.samples.written(left, room),
                Part::Skipped => scan_escaped(left, room, |_, _| {}),
            };
            self.passed(part, now.text_bytes, now.last);
            taken = taken.saturating_add(now.bytes);
            if now.text_bytes < room {
                break;
            }
        }
        taken
    }

    /// What to do with the next bytes, and with how many of them.
    fn part(&self) -> (u64, Part) {
        let Some(beyond) = self.bytes.checked_sub(EXACT_BYTES) else {
            return (EXACT_BYTES.saturating_sub(self.bytes), Part::Begin);
        };
        let at = beyond % SAMPLE_EVERY_BYTES;
        match SAMPLE_BYTES.checked_sub(at).filter(|room| *room > 0) {
            Some(room) => (room, Part::Sample),
            None => (SAMPLE_EVERY_BYTES.saturating_sub(at), Part::Skipped),
        }
    }

    /// So many bytes of a part have been taken.
    fn passed(&mut self, part: Part, bytes: u64, last: Option<u8>) {
        self.bytes = self.bytes.saturating_add(bytes);
        // What stands before a sample says whether a word goes on into it.
        if part != Part::Sample {
            self.samples.last = last.unwrap_or(self.samples.last);
        }
    }

    /// A text ends; what comes next is another.
    pub fn end(&mut self) {
        self.begin.end();
        self.samples.end();
    }

    /// What the bytes that are all looked at are made of.
    pub fn begin(&self) -> &Tally {
        &self.begin
    }

    /// Whether there was no text.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Characters of all texts.
    pub fn characters(&self) -> u64 {
        self.whole(self.begin.characters(), self.samples.characters())
    }

    /// The estimate, in thousandths of a token.
    pub(super) fn milli_tokens(&self) -> u64 {
        self.whole(self.begin.milli_tokens(), self.samples.milli_tokens())
    }

    /// What `exact` of the beginning and `sampled` of the samples are for the whole.
    fn whole(&self, exact: u64, sampled: u64) -> u64 {
        let beyond = self.bytes.saturating_sub(EXACT_BYTES);
        let samples = (beyond / SAMPLE_EVERY_BYTES).saturating_mul(SAMPLE_BYTES);
        let samples = samples.saturating_add((beyond % SAMPLE_EVERY_BYTES).min(SAMPLE_BYTES));
        exact.saturating_add(sampled.saturating_mul(beyond).checked_div(samples).unwrap_or(0))
    }
}
