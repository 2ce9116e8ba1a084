//! Reads the bits of a stream that may continue in the next piece.

use super::super::DecodeError;
use super::super::memory::OutOfMemory;

/// The reason why a step could not be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The step needs more bytes, and is repeated when they have arrived.
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

/// Reads bits, the lowest first.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The position of the next bit.
    at: usize,
    /// The position at which the current step began.
    kept: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, kept: at }
    }

    /// Completes a step: the bits read so far are not read again.
    #[inline]
    pub(super) fn commit(&mut self) {
        self.kept = self.at;
    }

    /// Returns the bytes after the last completed step, and the number of bits already read of the first byte.
    pub(super) fn rest(&self) -> (&'a [u8], usize) {
        (self.bytes.get(self.kept >> 3..).unwrap_or_default(), self.kept & 7)
    }

    /// Returns the number of available bits.
    #[inline]
    pub(super) fn left(&self) -> usize {
        self.bytes.len().saturating_mul(8).saturating_sub(self.at)
    }

    /// Returns at least the next 56 bits without reading them. Bits after the available ones are 0.
    #[inline]
    pub(super) fn peek(&self) -> u64 {
        let bytes = self.bytes.get(self.at >> 3..).unwrap_or_default();
        let word = match bytes.first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => last_word(bytes),
        };
        word.wrapping_shr(u32::try_from(self.at & 7).unwrap_or_default())
    }

    /// Skips bits.
    ///
    /// # Errors
    ///
    /// Returns [`Stop::More`] if there are fewer.
    #[inline]
    pub(super) fn skip(&mut self, count: u32) -> Result<(), Stop> {
        let count = usize::try_from(count).unwrap_or_default();
        if count > self.left() {
            return Err(Stop::More);
        }
        self.at = self.at.saturating_add(count);
        Ok(())
    }

    /// Reads up to 32 bits.
    #[inline]
    pub(super) fn read(&mut self, count: u32) -> Result<usize, Stop> {
        let value = self.peek() & 1u64.wrapping_shl(count).wrapping_sub(1);
        self.skip(count)?;
        Ok(usize::try_from(value).unwrap_or_default())
    }

    pub(super) fn read_bool(&mut self) -> Result<bool, Stop> {
        Ok(self.read(1)? == 1)
    }

    /// Skips to the next byte. The skipped bits must be 0.
    pub(super) fn align(&mut self) -> Result<(), Stop> {
        let over = u32::try_from(self.at & 7).unwrap_or_default();
        if self.read(8u32.wrapping_sub(over) & 7)? == 0 { Ok(()) } else { Err(CORRUPT) }
    }

    /// Reads up to `count` whole bytes, and completes the step.
    pub(super) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let bytes = self.bytes.get(self.at >> 3..).unwrap_or_default();
        let bytes = bytes.get(..count).unwrap_or(bytes);
        self.at = self.at.saturating_add(bytes.len().saturating_mul(8));
        self.commit();
        bytes
    }
}

/// Returns fewer than eight bytes as a word.
#[cold]
#[inline(never)]
fn last_word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}
