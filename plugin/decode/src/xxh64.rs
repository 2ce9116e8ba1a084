//! XXH64 with seed 0, whose lower half is zstd's checksum of the content (RFC 8878 section 3.1.1).

const P1: u64 = 0x9E37_79B1_85EB_CA87;
const P2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const P3: u64 = 0x1656_67B1_9E37_79F9;
const P4: u64 = 0x85EB_CA77_C2B2_AE63;
const P5: u64 = 0x27D4_EB2F_1656_67C5;

const STRIPE_BYTES: usize = 32;

/// A running hash.
#[derive(Clone, Debug)]
pub(super) struct Xxh64 {
    lanes: [u64; 4],
    stripe: [u8; STRIPE_BYTES],
    stripe_len: usize,
    bytes: u64,
}

impl Default for Xxh64 {
    fn default() -> Self {
        let lanes = [P1.wrapping_add(P2), P2, 0, P1.wrapping_neg()];
        Self { lanes, stripe: [0; STRIPE_BYTES], stripe_len: 0, bytes: 0 }
    }
}

impl Xxh64 {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.wrapping_add(u64::try_from(bytes.len()).unwrap_or_default());
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.stripe_len == 0
                && let Some((stripe, tail)) = rest.split_first_chunk()
            {
                mix(&mut self.lanes, stripe);
                rest = tail;
                continue;
            }
            let wanted = STRIPE_BYTES.saturating_sub(self.stripe_len).min(rest.len());
            let (now, later) = rest.split_at_checked(wanted).unwrap_or((rest, b""));
            let end = self.stripe_len.saturating_add(now.len());
            if let Some(place) = self.stripe.get_mut(self.stripe_len..end) {
                place.copy_from_slice(now);
            }
            self.stripe_len = end;
            rest = later;
            if end == STRIPE_BYTES {
                mix(&mut self.lanes, &self.stripe);
                self.stripe_len = 0;
            }
        }
    }

    pub(super) fn value(&self) -> u64 {
        let [a, b, c, d] = self.lanes;
        let mut hash = if self.bytes < 32 {
            P5
        } else {
            let sum = a.rotate_left(1).wrapping_add(b.rotate_left(7)).wrapping_add(c.rotate_left(12));
            let merge = |hash: u64, lane| (hash ^ round(0, lane)).wrapping_mul(P1).wrapping_add(P4);
            self.lanes.into_iter().fold(sum.wrapping_add(d.rotate_left(18)), merge)
        };
        hash = hash.wrapping_add(self.bytes);
        let mut rest = self.stripe.get(..self.stripe_len).unwrap_or_default();
        while let Some((word, tail)) = rest.split_first_chunk() {
            hash ^= round(0, u64::from_le_bytes(*word));
            hash = hash.rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
            rest = tail;
        }
        if let Some((word, tail)) = rest.split_first_chunk() {
            hash ^= u64::from(u32::from_le_bytes(*word)).wrapping_mul(P1);
            hash = hash.rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
            rest = tail;
        }
        for byte in rest {
            hash ^= u64::from(*byte).wrapping_mul(P5);
            hash = hash.rotate_left(11).wrapping_mul(P1);
        }
        hash = (hash ^ (hash >> 33)).wrapping_mul(P2);
        hash = (hash ^ (hash >> 29)).wrapping_mul(P3);
        hash ^ (hash >> 32)
    }
}

fn mix(lanes: &mut [u64; 4], stripe: &[u8; STRIPE_BYTES]) {
    for (lane, word) in lanes.iter_mut().zip(stripe.as_chunks().0) {
        *lane = round(*lane, u64::from_le_bytes(*word));
    }
}

fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1)
}
