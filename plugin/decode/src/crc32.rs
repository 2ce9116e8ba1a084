//! The CRC-32 of gzip (RFC 1952 section 8) and AWS event streams. Crates for it add 16 KiB of tables for a speed that
//! is not needed here.

/// A running checksum.
#[derive(Clone, Copy, Debug)]
pub struct Crc32(u32);

impl Default for Crc32 {
    fn default() -> Self {
        Self(u32::MAX)
    }
}

impl Crc32 {
    /// Adds bytes to the checksum.
    pub fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let [low, ..] = (self.0 ^ u32::from(*byte)).to_le_bytes();
            self.0 = (self.0 >> 8) ^ TABLE.get(usize::from(low)).copied().unwrap_or_default();
        }
    }

    /// Returns the checksum of the bytes so far.
    pub fn value(self) -> u32 {
        !self.0
    }
}

const TABLE: [u32; 256] = table();

#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs in the compiler only")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = (value >> 1) ^ if value & 1 == 1 { 0xEDB8_8320 } else { 0 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
}
