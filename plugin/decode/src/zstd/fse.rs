//! Finite state entropy (RFC 8878 section 4.1.1).

use super::super::DecodeError;
use super::bits::{BackwardBits, ForwardBits};

/// A table of decoding states.
#[derive(Debug, Default)]
pub(super) struct Fse {
    states: Vec<FseState>,
    accuracy: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct FseState {
    symbol: u8,
    bits: u8,
    base: u16,
}

/// More symbols than the largest alphabet: literal lengths have 36, match lengths 53, offsets 32, weights 13.
const SYMBOLS_MAX: usize = 64;

impl Fse {
    /// Whether no table has been read or built yet.
    pub(super) fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.states.clear();
    }

    /// Makes a table of one symbol that takes no bits.
    pub(super) fn set_single(&mut self, symbol: u8) {
        self.states.clear();
        self.states.push(FseState { symbol, bits: 0, base: 0 });
        self.accuracy = 0;
    }

    /// Reads the description of a table, and returns the bytes after it.
    #[inline(never)] // four places call it
    pub(super) fn read<'b>(
        &mut self,
        bytes: &'b [u8],
        accuracy_max: u32,
        symbols: usize,
    ) -> Result<&'b [u8], DecodeError> {
        let mut bits = ForwardBits::new(bytes);
        let accuracy = u32::try_from(bits.peek(4)).unwrap_or_default().saturating_add(5);
        bits.skip(4);
        if accuracy > accuracy_max {
            return Err(DecodeError::Corrupt);
        }
        let mut shares = [0i16; SYMBOLS_MAX];
        let mut count = 0usize;
        let mut remaining = 1u64.wrapping_shl(accuracy);
        while remaining > 0 && count < symbols {
            let share = read_share(&mut bits, remaining);
            if let Some(slot) = shares.get_mut(count) {
                *slot = share;
            }
            count = count.saturating_add(1);
            remaining = remaining.checked_sub(u64::from(share.unsigned_abs())).ok_or(DecodeError::Corrupt)?;
            let mut more = share == 0;
            while more {
                let zeros = bits.peek(2);
                bits.skip(2);
                count = count.saturating_add(usize::try_from(zeros).unwrap_or_default());
                // Bits after the end are 0, which ends the loop.
                more = zeros == 3;
            }
        }
        let shares = shares.get(..count).filter(|_| count <= symbols && remaining == 0);
        self.build(shares.ok_or(DecodeError::Corrupt)?, accuracy)?;
        bits.rest().ok_or(DecodeError::Corrupt)
    }

    /// Distributes the states to the symbols by their shares; the share -1 stands for a probability below one state.
    #[inline(never)]
    pub(super) fn build(&mut self, shares: &[i16], accuracy: u32) -> Result<(), DecodeError> {
        let size = 1usize.wrapping_shl(accuracy);
        self.accuracy = accuracy;
        self.states.clear();
        self.states.resize(size, FseState::default());
        let symbols = || (0u8..).zip(shares.iter().copied());
        let mut high = size;
        for (symbol, _) in symbols().filter(|(_, share)| *share == -1) {
            high = high.checked_sub(1).ok_or(DecodeError::Corrupt)?;
            self.set_symbol(high, symbol)?;
        }
        let step = (size >> 1).wrapping_add(size >> 3).wrapping_add(3);
        let mask = size.wrapping_sub(1);
        let mut at = 0usize;
        for (symbol, share) in symbols() {
            for _ in 0..share.max(0) {
                if high == 0 {
                    return Err(DecodeError::Corrupt);
                }
                self.set_symbol(at, symbol)?;
                at = at.wrapping_add(step) & mask;
                // The step is odd, so it visits every state, at least one of which is below `high`.
                while at >= high {
                    at = at.wrapping_add(step) & mask;
                }
            }
        }
        let mut next = [0u16; SYMBOLS_MAX];
        for (next, share) in next.iter_mut().zip(shares) {
            *next = share.unsigned_abs();
        }
        for state in &mut self.states {
            let next = next.get_mut(usize::from(state.symbol)).ok_or(DecodeError::Corrupt)?;
            let bits = accuracy.saturating_sub(next.checked_ilog2().unwrap_or_default());
            let base = usize::from(*next).wrapping_shl(bits).wrapping_sub(size);
            state.bits = u8::try_from(bits).unwrap_or_default();
            state.base = u16::try_from(base).map_err(|_| DecodeError::Corrupt)?;
            *next = next.wrapping_add(1);
        }
        Ok(())
    }

    fn set_symbol(&mut self, at: usize, symbol: u8) -> Result<(), DecodeError> {
        self.states.get_mut(at).ok_or(DecodeError::Corrupt)?.symbol = symbol;
        Ok(())
    }

    /// Reads the first state.
    pub(super) fn begin(&self, bits: &mut BackwardBits<'_>) -> u16 {
        u16::try_from(bits.read(self.accuracy)).unwrap_or_default()
    }

    #[inline]
    pub(super) fn symbol(&self, state: u16) -> u8 {
        self.state(state).symbol
    }

    /// Reads the state after this one.
    #[inline]
    pub(super) fn next(&self, state: u16, bits: &mut BackwardBits<'_>) -> u16 {
        let state = self.state(state);
        let more = bits.read(u32::from(state.bits));
        state.base.wrapping_add(u16::try_from(more).unwrap_or_default())
    }

    #[inline]
    fn state(&self, state: u16) -> FseState {
        self.states.get(usize::from(state)).copied().unwrap_or_default()
    }
}

/// Reads one share, in as many bits as the remaining states require; small values take one bit less.
fn read_share(bits: &mut ForwardBits<'_>, remaining: u64) -> i16 {
    let largest = remaining.saturating_add(1);
    let length = largest.checked_ilog2().unwrap_or_default().saturating_add(1);
    let value = bits.peek(length);
    let half = 1u64.wrapping_shl(length.saturating_sub(1));
    let low = value & half.wrapping_sub(1);
    let short = half.wrapping_mul(2).wrapping_sub(1).wrapping_sub(largest);
    let value = if low < short {
        bits.skip(length.saturating_sub(1));
        low
    } else {
        bits.skip(length);
        if value >= half { value.wrapping_sub(short) } else { value }
    };
    i16::try_from(value).unwrap_or_default().wrapping_sub(1)
}
