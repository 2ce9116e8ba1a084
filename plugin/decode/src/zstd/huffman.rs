//! The Huffman code of literals (RFC 8878 section 4.2).

use super::super::DecodeError;
use super::bits::BackwardBits;
use super::fse::Fse;

const BITS_MAX: u32 = 11;
const SYMBOLS_MAX: usize = 256;
/// The number of weights, 0 to 12, and their maximum accuracy.
const WEIGHTS: usize = 13;
const WEIGHTS_ACCURACY_MAX: u32 = 6;

/// A code that maps the next [`Huffman::bits`] bits to a symbol.
#[derive(Debug, Default)]
pub(super) struct Huffman {
    /// The symbol and the length of its code, by those bits.
    codes: Vec<(u8, u8)>,
    bits: u32,
}

impl Huffman {
    pub(super) fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.codes.clear();
    }

    /// Reads the description of a code, and returns the bytes after it.
    #[inline(never)]
    pub(super) fn read<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], DecodeError> {
        let (&header, rest) = bytes.split_first().ok_or(DecodeError::Corrupt)?;
        let mut weights = Weights { weights: [0; SYMBOLS_MAX], count: 0 };
        let rest = if header < 128 {
            let (coded, rest) = rest.split_at_checked(usize::from(header)).ok_or(DecodeError::Corrupt)?;
            weights.read_coded(coded)?;
            rest
        } else {
            let count = usize::from(header).saturating_sub(127);
            let (pairs, rest) = rest.split_at_checked(count.div_ceil(2)).ok_or(DecodeError::Corrupt)?;
            for weight in pairs.iter().flat_map(|pair| [pair >> 4, pair & 15]).take(count) {
                weights.push(weight)?;
            }
            rest
        };
        self.build(weights)?;
        Ok(rest)
    }

    fn build(&mut self, mut weights: Weights) -> Result<(), DecodeError> {
        let share = |weight: u8| match weight.checked_sub(1) {
            Some(exponent) => 1u32.wrapping_shl(u32::from(exponent)),
            None => 0,
        };
        let sum = weights.weights.iter().map(|weight| share(*weight)).fold(0, u32::saturating_add);
        let bits = sum.checked_ilog2().ok_or(DecodeError::Corrupt)?.saturating_add(1);
        let size = 1u32.wrapping_shl(bits);
        // The last weight is not written: it completes the sum to a power of 2.
        let left = size.wrapping_sub(sum);
        if bits > BITS_MAX || !left.is_power_of_two() {
            return Err(DecodeError::Corrupt);
        }
        let last = left.checked_ilog2().unwrap_or_default().saturating_add(1);
        weights.push(u8::try_from(last).unwrap_or_default())?;

        self.bits = bits;
        self.codes.clear();
        for weight in 1..=u8::try_from(bits).unwrap_or_default() {
            let length = u8::try_from(bits.saturating_add(1)).unwrap_or_default().saturating_sub(weight);
            let places = usize::try_from(share(weight)).unwrap_or_default();
            for (symbol, _) in (0u8..=255).zip(weights.weights).filter(|(_, other)| *other == weight) {
                let end = self.codes.len().saturating_add(places);
                self.codes.resize(end, (symbol, length));
            }
        }
        Ok(())
    }

    /// Decodes one stream, which must have exactly `count` literals.
    #[inline(never)]
    pub(super) fn decode(
        &self,
        bytes: &[u8],
        count: usize,
        literals: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let mut bits = BackwardBits::new(bytes).ok_or(DecodeError::Corrupt)?;
        for _ in 0..count {
            let code = usize::try_from(bits.peek(self.bits)).unwrap_or_default();
            let (symbol, length) = self.codes.get(code).copied().ok_or(DecodeError::Corrupt)?;
            bits.skip(u32::from(length));
            literals.push(symbol);
        }
        if bits.is_spent() { Ok(()) } else { Err(DecodeError::Corrupt) }
    }
}

struct Weights {
    weights: [u8; SYMBOLS_MAX],
    count: usize,
}

impl Weights {
    fn push(&mut self, weight: u8) -> Result<(), DecodeError> {
        *self.weights.get_mut(self.count).ok_or(DecodeError::Corrupt)? = weight;
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Reads weights from two alternating states. When the bits end, the symbol of the other state is the last weight.
    fn read_coded(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut fse = Fse::default();
        let coded = fse.read(bytes, WEIGHTS_ACCURACY_MAX, WEIGHTS)?;
        let mut bits = BackwardBits::new(coded).ok_or(DecodeError::Corrupt)?;
        let mut state = fse.begin(&mut bits);
        let mut other = fse.begin(&mut bits);
        if bits.is_overrun() {
            return Err(DecodeError::Corrupt);
        }
        loop {
            self.push(fse.symbol(state))?;
            state = fse.next(state, &mut bits);
            if bits.is_overrun() {
                return self.push(fse.symbol(other));
            }
            core::mem::swap(&mut state, &mut other);
        }
    }
}
