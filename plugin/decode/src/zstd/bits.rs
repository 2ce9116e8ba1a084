//! Bits of one block, read from its end (RFC 8878 section 4.1) or from its beginning.

/// Reads backwards, highest bits first: as the entropy decoders need it.
#[derive(Debug)]
pub(super) struct BackBits<'a> {
    bytes: &'a [u8],
    /// Bits not read yet.
    left: usize,
    /// More was read than was there; what was missing read as zeros.
    overrun: bool,
}

impl<'a> BackBits<'a> {
    /// `None` without the mark that ends the bits: the last byte's highest 1.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (last, before) = bytes.split_last()?;
        let of_last = usize::try_from(last.checked_ilog2()?).ok()?;
        Some(Self { bytes, left: before.len().saturating_mul(8).saturating_add(of_last), overrun: false })
    }

    /// The next `count` bits, at most 56.
    #[inline]
    pub(super) fn read(&mut self, count: u32) -> u64 {
        let value = self.peek(count);
        self.skip(count);
        value
    }

    /// As [`BackBits::read`], but they stay unread.
    #[inline]
    pub(super) fn peek(&self, count: u32) -> u64 {
        let wanted = usize::try_from(count).unwrap_or_default();
        let missing = wanted.saturating_sub(self.left);
        let from = self.left.saturating_sub(wanted);
        let word = word(self.bytes, from >> 3).wrapping_shr(shift(from & 7));
        let there = wanted.saturating_sub(missing);
        (word & mask(shift(there))).wrapping_shl(shift(missing))
    }

    #[inline]
    pub(super) fn skip(&mut self, count: u32) {
        let wanted = usize::try_from(count).unwrap_or_default();
        match self.left.checked_sub(wanted) {
            Some(left) => self.left = left,
            None => {
                self.left = 0;
                self.overrun = true;
            }
        }
    }

    pub(super) fn is_overrun(&self) -> bool {
        self.overrun
    }

    /// All was read, and nothing that was not there.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0 && !self.overrun
    }
}

/// Reads forwards, lowest bits first: as the tables are described.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `count` bits, at most 56, unread; beyond the end there are zeros.
    pub(super) fn peek(&self, count: u32) -> u64 {
        word(self.bytes, self.at >> 3).wrapping_shr(shift(self.at & 7)) & mask(count)
    }

    pub(super) fn skip(&mut self, count: u32) {
        self.at = self.at.saturating_add(usize::try_from(count).unwrap_or_default());
    }

    /// What follows the byte of the last bit read; `None` if more was read than was there.
    pub(super) fn rest(&self) -> Option<&'a [u8]> {
        self.bytes.get(self.at.div_ceil(8)..)
    }
}

/// 8 bytes from there, zeros beyond the end.
#[inline]
fn word(bytes: &[u8], from: usize) -> u64 {
    let bytes = bytes.get(from..).unwrap_or_default();
    match bytes.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => super::number(bytes),
    }
}

#[inline]
fn mask(count: u32) -> u64 {
    1u64.wrapping_shl(count).wrapping_sub(1)
}

#[inline]
fn shift(bits: usize) -> u32 {
    u32::try_from(bits).unwrap_or_default()
}
