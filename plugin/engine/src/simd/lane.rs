//! Sixteen bytes at once, asked for those of a kind: the answer has a bit for each byte, the first the lowest.
//!
//! Envoy's V8 and wasmtime run SIMD; elsewhere, and in a filter built without it, each byte is asked.

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod scalar;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use scalar as lane;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use wasm as lane;

pub(crate) use lane::Lane;

/// How many bytes a block has at most: one for each bit of a mask.
pub(crate) const BLOCK_BYTES: usize = 64;

/// Bytes of a lane.
const LANE_BYTES: usize = 16;

/// The lanes of a block and the bit that each begins at. A lane that is not full ends with zeros.
pub(crate) fn lanes(block: &[u8], mut take: impl FnMut(Lane, u32)) {
    let (whole, tail) = block.as_chunks();
    // EscapedLength out for the block of a long text, as a loop costs it a third more.
    if let [first, second, third, fourth] = whole {
        take(Lane::from(first), 0);
        take(Lane::from(second), 16);
        take(Lane::from(third), 32);
        take(Lane::from(fourth), 48);
        return;
    }
    let mut at: u32 = 0;
    for lane in whole {
        take(lane.into(), at);
        at = at.wrapping_add(16);
    }
    if !tail.is_empty() {
        let low = tail.get(..8).unwrap_or(tail);
        let high = tail.get(8..).unwrap_or_default();
        take(Lane::of(word(low), word(high)), at);
    }
}

impl From<&[u8; LANE_BYTES]> for Lane {
    fn from(bytes: &[u8; LANE_BYTES]) -> Self {
        let halves = [bytes.first_chunk(), bytes.last_chunk()];
        let [low, high] = halves.map(|half| half.map_or(0, |half| u64::from_le_bytes(*half)));
        Self::of(low, high)
    }
}

/// Up to eight bytes.
fn word(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests;
