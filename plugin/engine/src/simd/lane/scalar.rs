//! Sixteen bytes in two 64-bit words.

/// A word whose every byte is 1.
const EACH: u64 = u64::from_ne_bytes([1; 8]);

/// A word in which the top bit of each byte is set.
const TOPS: u64 = EACH << 7;

/// Two words of eight bytes, each little endian.
#[derive(Clone, Copy)]
pub(crate) struct ScalarLane(u64, u64);

impl ScalarLane {
    /// Returns a lane of the first eight bytes and the other eight, each little endian.
    pub(crate) fn of(low: u64, high: u64) -> Self {
        Self(low, high)
    }

    /// Returns the lane with bit 0x20 set in each byte, which makes ASCII letters lower case.
    pub(crate) fn lowered(self) -> Self {
        let bit = EACH.wrapping_mul(0x20);
        Self(self.0 | bit, self.1 | bit)
    }

    /// Returns a mask of the bytes equal to `byte`, which must be ASCII.
    pub(crate) fn is(self, byte: u8) -> u64 {
        self.within(byte, 1)
    }

    /// Returns a mask of the bytes in the range of `count` bytes from `least` on, which must be ASCII.
    pub(crate) fn within(self, least: u8, count: u8) -> u64 {
        self.bits(|bytes| {
            let low = bytes & !TOPS;
            at_least(low, least) & !at_least(low, least.wrapping_add(count)) & !bytes
        })
    }

    /// Returns a mask of the bytes that are 0x80 or more.
    pub(crate) fn top(self) -> u64 {
        self.bits(|bytes| bytes)
    }

    /// Returns a mask of the bytes that are 0xC0 or more.
    pub(crate) fn two_tops(self) -> u64 {
        self.bits(|bytes| bytes & bytes << 1)
    }

    /// Returns the top bits of the words that `make` returns.
    fn bits(self, make: impl Fn(u64) -> u64) -> u64 {
        gather_top_bits(make(self.0)) | gather_top_bits(make(self.1)) << 8
    }
}

/// Sets the top bit of each byte that is `least` or more. All bytes must be ASCII: a sum is then below 0x100, so that
/// none carries into the next byte.
fn at_least(bytes: u64, least: u8) -> u64 {
    bytes.wrapping_add(EACH.wrapping_mul(u64::from(0x80_u8.wrapping_sub(least))))
}

/// Returns the top bits of eight bytes as the lowest eight bits.
fn gather_top_bits(bytes: u64) -> u64 {
    // Each set bit of the factor moves one byte's bit to its place in the highest byte. No two of the products meet, so
    // that nothing carries.
    ((bytes & TOPS) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}
