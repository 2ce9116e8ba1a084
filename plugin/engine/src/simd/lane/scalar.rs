//! Sixteen bytes in two words.

/// Each byte 1.
const EACH: u64 = u64::from_ne_bytes([1; 8]);

/// The top bit of each byte.
const TOPS: u64 = EACH << 7;

/// Sixteen bytes: the first eight and the others, each little endian.
#[derive(Clone, Copy)]
pub(crate) struct Lane(u64, u64);

impl Lane {
    /// The first eight bytes and the others, each little endian.
    pub(crate) fn of(low: u64, high: u64) -> Self {
        Self(low, high)
    }

    /// With the bit set that makes ASCII letters small.
    pub(crate) fn lowered(self) -> Self {
        let bit = EACH.wrapping_mul(0x20);
        Self(self.0 | bit, self.1 | bit)
    }

    /// Which bytes are this one, which is ASCII.
    pub(crate) fn is(self, byte: u8) -> u64 {
        self.within(byte, 1)
    }

    /// Which bytes are one of these `count` from `least` on, all of them ASCII.
    pub(crate) fn within(self, least: u8, count: u8) -> u64 {
        self.bits(|bytes| {
            let low = bytes & !TOPS;
            at_least(low, least) & !at_least(low, least.wrapping_add(count)) & !bytes
        })
    }

    /// Which bytes are 0x80 or more.
    pub(crate) fn top(self) -> u64 {
        self.bits(|bytes| bytes)
    }

    /// Which bytes are 0xC0 or more.
    pub(crate) fn two_tops(self) -> u64 {
        self.bits(|bytes| bytes & bytes << 1)
    }

    /// The top bits of what is made of each word.
    fn bits(self, make: impl Fn(u64) -> u64) -> u64 {
        gathered(make(self.0)) | gathered(make(self.1)) << 8
    }
}

/// The top bit of a byte says that it is `least` or more; all are ASCII, so none carries into its neighbour.
fn at_least(bytes: u64, least: u8) -> u64 {
    bytes.wrapping_add(EACH.wrapping_mul(u64::from(0x80_u8.wrapping_sub(least))))
}

/// The top bits of eight bytes, side by side.
fn gathered(bytes: u64) -> u64 {
    // Each factor moves the bit of one byte to its place in the highest one; no two meet on the way.
    ((bytes & TOPS) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}
