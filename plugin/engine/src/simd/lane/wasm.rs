//! Sixteen bytes in a vector.

use core::arch::wasm32::{
    i8x16_bitmask, u8x16_eq, u8x16_ge, u8x16_lt, u8x16_splat, u8x16_sub, u64x2, v128, v128_or,
};

/// Sixteen bytes.
#[derive(Clone, Copy)]
pub(crate) struct Lane(v128);

impl Lane {
    /// The first eight bytes and the others, each little endian.
    pub(crate) fn of(low: u64, high: u64) -> Self {
        Self(u64x2(low, high))
    }

    /// With the bit set that makes ASCII letters small.
    pub(crate) fn lowered(self) -> Self {
        Self(v128_or(self.0, u8x16_splat(0x20)))
    }

    /// Which bytes are this one, which is ASCII.
    pub(crate) fn is(self, byte: u8) -> u64 {
        bits(u8x16_eq(self.0, u8x16_splat(byte)))
    }

    /// Which bytes are one of these `count` from `least` on, all of them ASCII.
    pub(crate) fn within(self, least: u8, count: u8) -> u64 {
        bits(u8x16_lt(u8x16_sub(self.0, u8x16_splat(least)), u8x16_splat(count)))
    }

    /// Which bytes are 0x80 or more.
    pub(crate) fn top(self) -> u64 {
        bits(self.0)
    }

    /// Which bytes are 0xC0 or more.
    pub(crate) fn two_tops(self) -> u64 {
        bits(u8x16_ge(self.0, u8x16_splat(0xC0)))
    }
}

fn bits(bytes: v128) -> u64 {
    i8x16_bitmask(bytes).into()
}
