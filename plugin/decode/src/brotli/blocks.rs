//! Block types and context maps (RFC 7932 sections 6 and 7).

use super::bits::{BitReader, CORRUPT, Stop};
use super::code::PrefixCode;

const COUNT_SYMBOLS: usize = 26;
const COUNT_BITS: [u8; COUNT_SYMBOLS] =
    [2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 7, 8, 9, 10, 11, 12, 13, 24];
/// A count larger than any meta-block.
const COUNT_ENDLESS: usize = 1 << 24;

/// The blocks of literals, of insert-and-copy lengths or of distances: the current type and the rest of its length.
#[derive(Debug)]
pub(super) struct Blocks {
    pub(super) types: usize,
    pub(super) current: usize,
    before: usize,
    left: usize,
    codes: Option<(PrefixCode, PrefixCode)>,
}

impl Default for Blocks {
    fn default() -> Self {
        Self { types: 1, current: 0, before: 1, left: COUNT_ENDLESS, codes: None }
    }
}

impl Blocks {
    pub(super) fn read(bits: &mut BitReader<'_>) -> Result<Self, Stop> {
        let types = read_up_to_256(bits)?;
        if types == 1 {
            return Ok(Self::default());
        }
        let of_types = PrefixCode::read(bits, types.saturating_add(2))?;
        let of_counts = PrefixCode::read(bits, COUNT_SYMBOLS)?;
        let left = read_count(bits, &of_counts)?;
        Ok(Self { types, left, codes: Some((of_types, of_counts)), ..Self::default() })
    }

    /// Returns the memory of the codes in bytes.
    pub(super) fn bytes(&self) -> usize {
        let codes = self.codes.as_ref();
        codes.map_or(0, |(of_types, of_counts)| of_types.bytes().saturating_add(of_counts.bytes()))
    }

    /// Switches to the next block if the current one has ended. Returns whether it did, and completes the step then.
    #[inline]
    pub(super) fn step(&mut self, bits: &mut BitReader<'_>) -> Result<bool, Stop> {
        let begins = self.left == 0;
        if begins {
            self.switch(bits)?;
            bits.commit();
        }
        Ok(begins)
    }

    /// Counts an element of the current block.
    #[inline]
    pub(super) fn count(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    #[cold]
    #[inline(never)]
    fn switch(&mut self, bits: &mut BitReader<'_>) -> Result<(), Stop> {
        let Some((of_types, of_counts)) = &self.codes else {
            self.left = COUNT_ENDLESS;
            return Ok(());
        };
        let next = match of_types.symbol(bits)? {
            0 => self.before,
            1 => self.current.saturating_add(1),
            symbol => symbol.saturating_sub(2),
        };
        self.left = read_count(bits, of_counts)?;
        self.before = self.current;
        self.current = if next >= self.types { next.saturating_sub(self.types) } else { next };
        Ok(())
    }
}

fn read_count(bits: &mut BitReader<'_>, code: &PrefixCode) -> Result<usize, Stop> {
    let symbol = code.symbol(bits)?;
    read_length(bits, symbol, 1, &COUNT_BITS)
}

/// Reads a number whose symbol defines how many bits follow. The range of each symbol begins where the one before it
/// ends.
#[inline(never)]
pub(super) fn read_length(
    bits: &mut BitReader<'_>,
    symbol: usize,
    base: usize,
    symbol_bits: &[u8],
) -> Result<usize, Stop> {
    let (before, from) = symbol_bits.split_at_checked(symbol).ok_or(CORRUPT)?;
    let base =
        before.iter().fold(base, |sum, bits| sum.saturating_add(1usize.wrapping_shl(u32::from(*bits))));
    let extra = bits.read(u32::from(*from.first().ok_or(CORRUPT)?))?;
    Ok(base.saturating_add(extra))
}

/// Reads a number from 1 to 256, in 1 to 11 bits.
pub(super) fn read_up_to_256(bits: &mut BitReader<'_>) -> Result<usize, Stop> {
    if !bits.read_bool()? {
        return Ok(1);
    }
    let length = u32::try_from(bits.read(3)?).unwrap_or_default();
    Ok(bits.read(length)?.saturating_add(1usize.wrapping_shl(length)).saturating_add(1))
}

/// The prefix code of each context. A map may have 16384 entries, so each entry is a separate step.
#[derive(Debug, Default)]
pub(super) struct ContextMap {
    entries: Vec<u8>,
    size: usize,
    pub(super) trees: usize,
    runs: usize,
    code: PrefixCode,
}

impl ContextMap {
    /// Reads the description of a map, up to its entries.
    pub(super) fn read(bits: &mut BitReader<'_>, size: usize) -> Result<Self, Stop> {
        let trees = read_up_to_256(bits)?;
        if trees == 1 {
            return Ok(Self { entries: vec![0; size], size, trees, ..Self::default() });
        }
        let runs = if bits.read_bool()? { bits.read(4)?.saturating_add(1) } else { 0 };
        let code = PrefixCode::read(bits, trees.saturating_add(runs))?;
        Ok(Self { entries: Vec::new(), size, trees, runs, code })
    }

    /// Reads the available entries. Each entry completes a step.
    pub(super) fn read_entries(&mut self, bits: &mut BitReader<'_>) -> Result<(), Stop> {
        if self.trees == 1 {
            return Ok(());
        }
        while self.entries.len() < self.size {
            let symbol = self.code.symbol(bits)?;
            if let Some(tree) = symbol.checked_sub(self.runs).filter(|tree| *tree > 0) {
                self.entries.push(u8::try_from(tree).map_err(|_| CORRUPT)?);
            } else {
                let run_bits = u32::try_from(symbol).unwrap_or_default();
                let zeros = 1usize.wrapping_shl(run_bits).saturating_add(bits.read(run_bits)?);
                // Symbol 0 is a single zero, with or without runs.
                let end = self.entries.len().saturating_add(zeros);
                if end > self.size {
                    return Err(CORRUPT);
                }
                self.entries.resize(end, 0);
            }
            bits.commit();
        }
        if bits.read_bool()? {
            self.undo_move_to_front();
        }
        Ok(())
    }

    #[inline(never)]
    fn undo_move_to_front(&mut self) {
        let mut order: Vec<u8> = (0..=255).collect();
        for entry in &mut self.entries {
            let index = usize::from(*entry);
            *entry = order.get(index).copied().unwrap_or_default();
            if let Some(moved) = order.get_mut(..=index) {
                moved.rotate_right(1);
            }
        }
    }

    #[inline]
    pub(super) fn tree(&self, context: usize) -> usize {
        usize::from(self.entries.get(context).copied().unwrap_or_default())
    }
}
