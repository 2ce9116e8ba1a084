//! Sixteen bytes in a 128-bit vector.

use core::arch::wasm32::{
    i8x16_bitmask, u8x16_eq, u8x16_ge, u8x16_lt, u8x16_splat, u8x16_sub, u64x2, v128, v128_or,
};

/// A vector of sixteen bytes.
#[derive(Clone, Copy)]
pub(crate) struct SimdLane(v128);

impl SimdLane {
    /// Returns a lane of the first eight bytes and the other eight, each little endian.
    pub(crate) fn of(low: u64, high: u64) -> Self {
        Self(u64x2(low, high))
    }

    /// Returns the lane with bit 0x20 set in each byte, which makes ASCII letters lower case.
    pub(crate) fn lowered(self) -> Self {
        Self(v128_or(self.0, u8x16_splat(0x20)))
    }

    /// Returns a mask of the bytes equal to `byte`, which must be ASCII.
    pub(crate) fn is(self, byte: u8) -> u64 {
        bits(u8x16_eq(self.0, u8x16_splat(byte)))
    }

    /// Returns a mask of the bytes in the range of `count` bytes from `least` on, which must be ASCII.
    pub(crate) fn within(self, least: u8, count: u8) -> u64 {
        bits(u8x16_lt(u8x16_sub(self.0, u8x16_splat(least)), u8x16_splat(count)))
    }

    /// Returns a mask of the bytes that are 0x80 or more.
    pub(crate) fn top(self) -> u64 {
        bits(self.0)
    }

    /// Returns a mask of the bytes that are 0xC0 or more.
    pub(crate) fn two_tops(self) -> u64 {
        bits(u8x16_ge(self.0, u8x16_splat(0xC0)))
    }
}

fn bits(bytes: v128) -> u64 {
    i8x16_bitmask(bytes).into()
}
