//! Reads the bits of one block, from its end (RFC 8878 section 4.1) or from its beginning.

/// Reads backwards, the highest bits first, as the entropy decoders need it.
#[derive(Debug)]
pub(super) struct BackwardBits<'a> {
    bytes: &'a [u8],
    /// The number of bits not read yet.
    left: usize,
    /// Whether more bits were read than there were. The missing bits were 0.
    overrun: bool,
}

impl<'a> BackwardBits<'a> {
    /// Returns a reader; `None` if the mark at the end of the bits, the last byte's highest 1, is missing.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (last, before) = bytes.split_last()?;
        let of_last = usize::try_from(last.checked_ilog2()?).ok()?;
        Some(Self { bytes, left: before.len().saturating_mul(8).saturating_add(of_last), overrun: false })
    }

    /// Reads up to 56 bits.
    #[inline]
    pub(super) fn read(&mut self, count: u32) -> u64 {
        let value = self.peek(count);
        self.skip(count);
        value
    }

    /// Returns up to 56 bits without reading them.
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

    /// Whether exactly all bits were read.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0 && !self.overrun
    }
}

/// Reads forwards, the lowest bits first, as tables are described.
#[derive(Debug)]
pub(super) struct ForwardBits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> ForwardBits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns up to 56 bits without reading them. Bits after the end are 0.
    pub(super) fn peek(&self, count: u32) -> u64 {
        word(self.bytes, self.at >> 3).wrapping_shr(shift(self.at & 7)) & mask(count)
    }

    pub(super) fn skip(&mut self, count: u32) {
        self.at = self.at.saturating_add(usize::try_from(count).unwrap_or_default());
    }

    /// Returns the bytes after that of the last bit read; `None` if more bits were read than there were.
    pub(super) fn rest(&self) -> Option<&'a [u8]> {
        self.bytes.get(self.at.div_ceil(8)..)
    }
}

/// Returns 8 bytes at an offset, as a word. Bytes after the end are 0.
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
