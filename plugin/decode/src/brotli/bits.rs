//! Bits of a stream that may go on in the next piece.

use super::super::DecodeError;
use super::super::memory::OutOfMemory;

/// Why a step could not be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It needs bytes that are not here yet; it is taken anew once they are.
    More,
    Failed(DecodeError),
}

pub(super) const CORRUPT: Stop = Stop::Failed(DecodeError::Corrupt);

impl From<OutOfMemory> for Stop {
    fn from(error: OutOfMemory) -> Self {
        Self::Failed(error.into())
    }
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Failed(error)
    }
}

/// Reads lowest bits first.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next bit.
    at: usize,
    /// Where the step began that is being taken.
    kept: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, kept: at }
    }

    /// What was read so far is done with.
    #[inline]
    pub(super) fn keep(&mut self) {
        self.kept = self.at;
    }

    /// The bytes of what was not kept, and how many bits of the first one are done with.
    pub(super) fn rest(&self) -> (&'a [u8], usize) {
        (self.bytes.get(self.kept >> 3..).unwrap_or_default(), self.kept & 7)
    }

    /// How many bits are here.
    #[inline]
    pub(super) fn left(&self) -> usize {
        self.bytes.len().saturating_mul(8).saturating_sub(self.at)
    }

    /// The next 56 bits at least, unread; beyond what is here there are zeros.
    #[inline]
    pub(super) fn peek(&self) -> u64 {
        let bytes = self.bytes.get(self.at >> 3..).unwrap_or_default();
        let word = match bytes.first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => last_word(bytes),
        };
        word.wrapping_shr(u32::try_from(self.at & 7).unwrap_or_default())
    }

    /// Passes over bits that are here.
    #[inline]
    pub(super) fn skip(&mut self, count: u32) -> Result<(), Stop> {
        let count = usize::try_from(count).unwrap_or_default();
        if count > self.left() {
            return Err(Stop::More);
        }
        self.at = self.at.saturating_add(count);
        Ok(())
    }

    /// The next bits, at most 32.
    #[inline]
    pub(super) fn read(&mut self, count: u32) -> Result<usize, Stop> {
        let value = self.peek() & 1u64.wrapping_shl(count).wrapping_sub(1);
        self.skip(count)?;
        Ok(usize::try_from(value).unwrap_or_default())
    }

    pub(super) fn read_bool(&mut self) -> Result<bool, Stop> {
        Ok(self.read(1)? == 1)
    }

    /// Goes to the next whole byte; what is passed over has to be zeros.
    pub(super) fn align(&mut self) -> Result<(), Stop> {
        let over = u32::try_from(self.at & 7).unwrap_or_default();
        if self.read(8u32.wrapping_sub(over) & 7)? == 0 { Ok(()) } else { Err(CORRUPT) }
    }

    /// Up to `count` whole bytes, kept.
    pub(super) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let bytes = self.bytes.get(self.at >> 3..).unwrap_or_default();
        let bytes = bytes.get(..count).unwrap_or(bytes);
        self.at = self.at.saturating_add(bytes.len().saturating_mul(8));
        self.keep();
        bytes
    }
}

/// Fewer bytes than a word.
#[cold]
#[inline(never)]
fn last_word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}
