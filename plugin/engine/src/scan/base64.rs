//! Decodes base64 (RFC 4648, with or without padding, either alphabet) that may be cut at any byte.

/// The maximum size of a decoded piece.
const PIECE_BYTES: usize = 192;

/// A decoder of base64 that receives its text in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Base64 {
    bits: u32,
    /// The number of bits in `bits` that have not been returned; less than 8 between pieces.
    count: u32,
    is_bad: bool,
}

impl Base64 {
    /// Decodes a piece of text. Nothing is decoded after a byte that is not base64.
    pub(super) fn feed(&mut self, text: &[u8], mut out: impl FnMut(&[u8])) {
        let mut piece = [0; PIECE_BYTES];
        for chunk in text.chunks(PIECE_BYTES) {
            let mut length: usize = 0;
            for byte in chunk {
                if let Some(decoded) = self.decode_byte(*byte)
                    && let Some(slot) = piece.get_mut(length)
                {
                    *slot = decoded;
                    length = length.saturating_add(1);
                }
            }
            out(piece.get(..length).unwrap_or_default());
        }
    }

    /// Whether the text contained a byte that is not base64.
    pub(super) fn is_bad(&self) -> bool {
        self.is_bad
    }

    fn decode_byte(&mut self, byte: u8) -> Option<u8> {
        let sextet = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => return None,
            _ => {
                self.is_bad = true;
                return None;
            }
        };
        if self.is_bad {
            return None;
        }
        self.bits = self.bits.wrapping_shl(6) | u32::from(sextet);
        self.count = self.count.wrapping_add(6);
        if self.count < 8 {
            return None;
        }
        self.count = self.count.wrapping_sub(8);
        let [.., decoded] = self.bits.wrapping_shr(self.count).to_be_bytes();
        Some(decoded)
    }
}

#[cfg(test)]
mod tests;
