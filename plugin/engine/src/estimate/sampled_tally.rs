//! The tally of a long text, most of which is sampled.

use super::Tally;
use crate::simd::scan_escaped;

/// The distance in bytes between the beginnings of two samples, after the bytes that are all counted.
const SAMPLE_EVERY_BYTES: u64 = 1024;

/// The number of bytes in a sample.
const SAMPLE_BYTES: u64 = 128;

/// A tally of texts, with all of their first `EXACT_BYTES` bytes and samples of the rest. The result does not depend on
/// how the texts are split into pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampledTally<const EXACT_BYTES: u64> {
    begin: Tally,
    samples: Tally,
    /// The number of bytes of all texts.
    bytes: u64,
}

/// The part of the texts to which bytes belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Begin,
    Sample,
    Skipped,
}

impl<const EXACT_BYTES: u64> SampledTally<EXACT_BYTES> {
    /// Adds the next bytes of a text.
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
            self.advance(part, now.len() as u64, now.last().copied());
            left = rest;
        }
    }

    /// Adds bytes of a text as written in a JSON string, and returns how many were taken. The bytes after those are the
    /// closing quote, or an escape that has to be resolved first.
    pub(crate) fn feed_escaped(&mut self, bytes: &[u8]) -> usize {
        let mut taken: usize = 0;
        while let Some(left) = bytes.get(taken..).filter(|left| !left.is_empty()) {
            let (room, part) = self.part();
            let now = match part {
                Part::Begin => self.begin.feed_escaped(left, room),
                Part::Sample => self.samples.feed_escaped(left, room),
                Part::Skipped => scan_escaped(left, room, |_, _| {}),
            };
            self.advance(part, now.text_bytes, now.last);
            taken = taken.saturating_add(now.bytes);
            if now.text_bytes < room {
                break;
            }
        }
        taken
    }

    /// Returns the part to which the next bytes belong, and how many of them.
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

    /// Records that bytes of a part have been counted or skipped.
    fn advance(&mut self, part: Part, bytes: u64, last: Option<u8>) {
        self.bytes = self.bytes.saturating_add(bytes);
        // The byte before a sample decides whether the sample begins inside a word.
        if part != Part::Sample {
            self.samples.last = last.unwrap_or(self.samples.last);
        }
    }

    /// Ends a text; the next bytes belong to another.
    pub fn end(&mut self) {
        self.begin.end();
        self.samples.end();
    }

    /// Returns the tally of the bytes that are all counted.
    pub fn begin(&self) -> &Tally {
        &self.begin
    }

    /// Whether no text was added.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Returns the number of characters in all texts, estimated beyond `EXACT_BYTES`.
    pub fn characters(&self) -> u64 {
        self.extrapolate(self.begin.characters(), self.samples.characters())
    }

    /// Returns the estimate in thousandths of a token.
    pub(super) fn milli_tokens(&self) -> u64 {
        self.extrapolate(self.begin.milli_tokens(), self.samples.milli_tokens())
    }

    /// Extrapolates from a count of the beginning (`exact`) and one of the samples (`sampled`) to all texts.
    fn extrapolate(&self, exact: u64, sampled: u64) -> u64 {
        let beyond = self.bytes.saturating_sub(EXACT_BYTES);
        let samples = (beyond / SAMPLE_EVERY_BYTES).saturating_mul(SAMPLE_BYTES);
        let samples = samples.saturating_add((beyond % SAMPLE_EVERY_BYTES).min(SAMPLE_BYTES));
        exact.saturating_add(sampled.saturating_mul(beyond).checked_div(samples).unwrap_or(0))
    }
}
