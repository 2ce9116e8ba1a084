//! Sixteen bytes that are compared at once. The result is a mask with a bit for each byte, the first byte's the lowest.
//!
//! Envoy's V8 and wasmtime run SIMD. Other targets, and a filter built without it, use two 64-bit words.

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod scalar;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use scalar::ScalarLane as TargetLane;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use wasm::SimdLane as TargetLane;

/// The implementation for the target.
pub(crate) type Lane = TargetLane;

/// The maximum number of bytes in a block: one for each bit of a mask.
pub(crate) const BLOCK_BYTES: usize = 64;

/// The number of bytes in a lane.
const LANE_BYTES: usize = 16;

/// Passes the lanes of a block to `take`, each with the position of its first bit. A lane that is not full ends with
/// zeros.
pub(crate) fn lanes(block: &[u8], mut take: impl FnMut(Lane, u32)) {
    let (whole, tail) = block.as_chunks();
    // A long text's block is unrolled, since a loop makes it a third more expensive.
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

/// Returns up to eight bytes as a word, little endian.
fn word(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests;
