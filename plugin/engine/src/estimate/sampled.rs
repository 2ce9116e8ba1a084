//! The tally of a long text, of which not every byte is looked at.

use super::Tally;

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

impl<const EXACT_BYTES: u64> Sampled<EXACT_BYTES> {
    /// Takes the next bytes of a text.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut left = bytes;
        while !left.is_empty() {
            let beyond = self.bytes.checked_sub(EXACT_BYTES);
            left = match beyond.map(|beyond| beyond % SAMPLE_EVERY_BYTES) {
                None => {
                    let (part, rest) = self.next(left, EXACT_BYTES.saturating_sub(self.bytes));
                    self.begin.feed(part);
                    // A word that goes on into the samples is one.
                    self.samples.last = self.begin.last;
                    rest
                }
                Some(at) if at < SAMPLE_BYTES => {
                    let (part, rest) = self.next(left, SAMPLE_BYTES.saturating_sub(at));
                    self.samples.feed(part);
                    rest
                }
                Some(at) => {
                    let (part, rest) = self.next(left, SAMPLE_EVERY_BYTES.saturating_sub(at));
                    // What stands before the next sample is all that is kept of what is passed over.
                    self.samples.last = part.last().copied().unwrap_or(self.samples.last);
                    rest
                }
            };
        }
    }

    /// Up to `room` of `bytes`, and the others.
    fn next<'b>(&mut self, bytes: &'b [u8], room: u64) -> (&'b [u8], &'b [u8]) {
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let (part, rest) = bytes.split_at_checked(room).unwrap_or((bytes, b""));
        self.bytes = self.bytes.saturating_add(part.len() as u64);
        (part, rest)
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
