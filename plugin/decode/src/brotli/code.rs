//! Prefix codes (RFC 7932 section 3).

use super::bits::{BitReader, CORRUPT, Stop};

const LENGTH_MAX: usize = 15;
/// The maximum length of the codes that are in the lookup table.
const TABLE_BITS: u32 = 8;
/// The size of the largest alphabet, that of insert-and-copy lengths. Distances have 520 symbols, literals 256, types
/// 258.
const SYMBOLS_MAX: usize = 704;

/// A canonical prefix code.
#[derive(Debug, Default)]
pub(super) struct PrefixCode {
    /// The symbol and its length by the next bits; the length is 0 for codes that are longer than the table's index.
    table: Vec<(u16, u8)>,
    table_bits: u32,
    /// The number of codes of each length.
    counts: [u16; LENGTH_MAX + 1],
    /// The symbols ordered by length, then by value.
    symbols: Vec<u16>,
}

/// The order in which the lengths of the length code are written.
const LENGTHS_ORDER: [u8; 18] = [1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// The length and value in the fixed code for those lengths, by the next 4 bits.
#[rustfmt::skip]
const LENGTHS_CODE: [(u8, u8); 16] = [
    (2, 0), (2, 4), (2, 3), (3, 2), (2, 0), (2, 4), (2, 3), (4, 1),
    (2, 0), (2, 4), (2, 3), (3, 2), (2, 0), (2, 4), (2, 3), (4, 5),
];

impl PrefixCode {
    /// Reads the description of a code for this many symbols.
    #[inline(never)] // many places call it
    pub(super) fn read(bits: &mut BitReader<'_>, symbols: usize) -> Result<Self, Stop> {
        match bits.read(2)? {
            1 => read_simple(bits, symbols),
            skipped => read_complex(bits, symbols, skipped),
        }
    }

    /// Returns the memory of the code in bytes.
    pub(super) fn bytes(&self) -> usize {
        let tables = size_of_val(self.table.as_slice()).saturating_add(size_of_val(self.symbols.as_slice()));
        // Vectors of codes, and those inside, are allocated in powers of 2.
        size_of::<Self>().saturating_add(tables).saturating_mul(2)
    }

    /// Returns a code from the lengths of its symbols, in the order of symbols. A single symbol takes no bits.
    fn new(lengths: &[(u8, u16)]) -> Self {
        let mut code = Self::default();
        if let [(_, symbol)] = *lengths {
            code.table.push((symbol, 0));
            return code;
        }
        // A sort would need five times as much code.
        for (length, count) in (0u8..).zip(&mut code.counts).skip(1) {
            for (_, symbol) in lengths.iter().filter(|(other, _)| *other == length) {
                code.symbols.push(*symbol);
                *count = count.saturating_add(1);
                code.table_bits = u32::from(length).min(TABLE_BITS);
            }
        }
        code.fill_table();
        code
    }

    /// Returns a code from the length of each symbol, 0 for symbols without a code.
    fn from_all(lengths: &[u8]) -> Self {
        let lengths: Vec<_> = lengths.iter().copied().zip(0u16..).filter(|(length, _)| *length > 0).collect();
        Self::new(&lengths)
    }

    /// Fills the lookup table. Codes are numbered from their highest bit, but are written from the lowest. So each
    /// entry is at the reversed bits of its code, followed by any other bits.
    fn fill_table(&mut self) {
        let size = 1usize.wrapping_shl(self.table_bits);
        self.table.resize(size, (0, 0));
        let mut value = 0u32;
        let mut symbols = self.symbols.iter();
        for (length, count) in (0u32..).zip(self.counts).skip(1) {
            if length > self.table_bits {
                break;
            }
            value <<= 1;
            for symbol in symbols.by_ref().take(usize::from(count)) {
                let reversed = value.reverse_bits().wrapping_shr(32u32.wrapping_sub(length));
                let mut place = usize::try_from(reversed).unwrap_or(usize::MAX);
                while let Some(entry) = self.table.get_mut(place) {
                    *entry = (*symbol, u8::try_from(length).unwrap_or_default());
                    place = place.saturating_add(1usize.wrapping_shl(length));
                }
                value = value.wrapping_add(1);
            }
        }
    }

    /// Reads the next symbol.
    #[inline(never)] // a call is cheaper than ten inlined copies
    pub(super) fn symbol(&self, bits: &mut BitReader<'_>) -> Result<usize, Stop> {
        let next = bits.peek();
        let mask = 1u64.wrapping_shl(self.table_bits).wrapping_sub(1);
        let place = usize::try_from(next & mask).unwrap_or_default();
        match self.table.get(place) {
            Some((symbol, length)) if *length > 0 || self.table_bits == 0 => {
                bits.skip(u32::from(*length))?;
                Ok(usize::from(*symbol))
            }
            _ => self.long_symbol(bits, next),
        }
    }

    #[cold]
    fn long_symbol(&self, bits: &mut BitReader<'_>, next: u64) -> Result<usize, Stop> {
        let (mut value, mut first, mut index) = (0usize, 0usize, 0usize);
        for (length, count) in (0u32..).zip(self.counts).skip(1) {
            let bit = next.wrapping_shr(length.wrapping_sub(1)) & 1;
            value = value << 1 | usize::from(bit == 1);
            first <<= 1;
            let count = usize::from(count);
            if let Some(of_length) = value.checked_sub(first).filter(|of_length| *of_length < count) {
                let symbol = self.symbols.get(index.saturating_add(of_length)).ok_or(CORRUPT)?;
                bits.skip(length)?;
                return Ok(usize::from(*symbol));
            }
            first = first.saturating_add(count);
            index = index.saturating_add(count);
        }
        Err(CORRUPT)
    }
}

/// Reads a simple code, which lists up to four symbols.
fn read_simple(bits: &mut BitReader<'_>, symbols: usize) -> Result<PrefixCode, Stop> {
    let count = bits.read(2)?.saturating_add(1);
    let symbol_bits = usize::BITS.saturating_sub(symbols.saturating_sub(1).leading_zeros());
    let mut listed = [0u16; 4];
    for slot in listed.iter_mut().take(count) {
        let symbol = bits.read(symbol_bits)?;
        if symbol >= symbols {
            return Err(CORRUPT);
        }
        *slot = u16::try_from(symbol).unwrap_or_default();
    }
    let listed_lengths: [u8; 4] = match count {
        1 | 2 => [1, 1, 0, 0],
        3 => [1, 2, 2, 0],
        _ if bits.read_bool()? => [1, 2, 3, 3],
        _ => [2; 4],
    };
    // Of symbols with the same length, the lower one comes first.
    sort_equal_lengths(&mut listed, listed_lengths, count);
    let lengths: Vec<_> = listed_lengths.into_iter().zip(listed).take(count).collect();
    let is_twice = |(place, (_, symbol)): (usize, &(u8, u16))| {
        lengths.iter().take(place).any(|(_, other)| other == symbol)
    };
    if lengths.iter().enumerate().any(is_twice) {
        return Err(CORRUPT);
    }
    Ok(PrefixCode::new(&lengths))
}

/// Sorts symbols of the same length, by bubble sort: there are at most four.
fn sort_equal_lengths(listed: &mut [u16; 4], lengths: [u8; 4], count: usize) {
    for _ in 0..count {
        for place in 1..count {
            let before = place.saturating_sub(1);
            let is_pair = lengths.get(before) == lengths.get(place);
            if is_pair && listed.get(before) > listed.get(place) {
                listed.swap(before, place);
            }
        }
    }
}

/// Reads a complex code, in which the length of each symbol is itself coded.
fn read_complex(bits: &mut BitReader<'_>, symbols: usize, skipped: usize) -> Result<PrefixCode, Stop> {
    let mut lengths = [0u8; LENGTHS_ORDER.len()];
    let mut space = 32i32;
    let mut count = 0usize;
    for place in LENGTHS_ORDER.iter().skip(skipped) {
        if space <= 0 {
            break;
        }
        let next = usize::try_from(bits.peek() & 15).unwrap_or_default();
        let (taken, length) = LENGTHS_CODE.get(next).copied().unwrap_or_default();
        bits.skip(u32::from(taken))?;
        if let Some(slot) = lengths.get_mut(usize::from(*place)) {
            *slot = length;
        }
        if length > 0 {
            space = space.saturating_sub(32i32.wrapping_shr(u32::from(length)));
            count = count.saturating_add(1);
        }
    }
    if count != 1 && space != 0 {
        return Err(CORRUPT);
    }
    read_lengths(bits, &PrefixCode::from_all(&lengths), symbols)
}

fn read_lengths(
    bits: &mut BitReader<'_>,
    of_lengths: &PrefixCode,
    symbols: usize,
) -> Result<PrefixCode, Stop> {
    let mut lengths = [0u8; SYMBOLS_MAX];
    let lengths = lengths.get_mut(..symbols).ok_or(CORRUPT)?;
    let mut space = 1i32 << LENGTH_MAX;
    let (mut at, mut previous) = (0usize, 8u8);
    // Consecutive repeat symbols are the digits of one repeat count.
    let (mut repeat, mut repeated) = (0usize, 0u8);
    while at < symbols && space > 0 {
        let symbol = u8::try_from(of_lengths.symbol(bits)?).unwrap_or_default();
        let (length, count) = if symbol < 16 {
            repeat = 0;
            if symbol != 0 {
                previous = symbol;
            }
            (symbol, 1)
        } else {
            let extra = u32::from(symbol.saturating_sub(14));
            let length = if symbol == 16 { previous } else { 0 };
            if length != repeated {
                repeat = 0;
                repeated = length;
            }
            let before = repeat;
            repeat = repeat.saturating_sub(2).wrapping_shl(extra);
            repeat = repeat.saturating_add(bits.read(extra)?).saturating_add(3);
            (length, repeat.saturating_sub(before))
        };
        let end = at.saturating_add(count);
        lengths.get_mut(at..end).ok_or(CORRUPT)?.fill(length);
        if length > 0 {
            let each = (1i32 << LENGTH_MAX).wrapping_shr(u32::from(length));
            space = space.saturating_sub(each.saturating_mul(i32::try_from(count).unwrap_or(i32::MAX)));
        }
        at = end;
    }
    if space == 0 { Ok(PrefixCode::from_all(lengths)) } else { Err(CORRUPT) }
}
