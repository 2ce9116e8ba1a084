//! Prefix codes (RFC 7932 section 3).

use super::bits::{Bits, CORRUPT, Stop};

const LENGTH_MAX: usize = 15;
/// Codes up to this length are looked up at once.
const TABLE_BITS: u32 = 8;
/// Insert-and-copy lengths are the largest alphabet: distances have 520 symbols, literals 256, types 258.
const SYMBOLS_MAX: usize = 704;

/// A canonical code.
#[derive(Debug, Default)]
pub(super) struct Code {
    /// Symbol and length by the next bits; length 0 for codes that are longer.
    table: Vec<(u16, u8)>,
    table_bits: u32,
    /// How many codes there are of each length.
    counts: [u16; LENGTH_MAX + 1],
    /// Ordered by length, then by value.
    symbols: Vec<u16>,
}

/// The order in which the lengths of the codes of lengths are written.
const LENGTHS_ORDER: [u8; 18] = [1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// Length and value of the fixed code in which those lengths are written, by the next 4 bits.
#[rustfmt::skip]
const LENGTHS_CODE: [(u8, u8); 16] = [
    (2, 0), (2, 4), (2, 3), (3, 2), (2, 0), (2, 4), (2, 3), (4, 1),
    (2, 0), (2, 4), (2, 3), (3, 2), (2, 0), (2, 4), (2, 3), (4, 5),
];

impl Code {
    /// Reads the description of a code for so many symbols.
    #[inline(never)] // one place of many that read one
    pub(super) fn read(bits: &mut Bits<'_>, symbols: usize) -> Result<Self, Stop> {
        match bits.read(2)? {
            1 => read_simple(bits, symbols),
            skipped => read_complex(bits, symbols, skipped),
        }
    }

    /// The memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        let tables = size_of_val(self.table.as_slice()).saturating_add(size_of_val(self.symbols.as_slice()));
        // Lists of codes, and the lists inside, are allocated in powers of 2.
        size_of::<Self>().saturating_add(tables).saturating_mul(2)
    }

    /// A code from lengths and their symbols in order. One symbol alone takes no bits.
    fn new(lengths: &[(u8, u16)]) -> Self {
        let mut code = Self::default();
        if let [(_, symbol)] = *lengths {
            code.table.push((symbol, 0));
            return code;
        }
        // A sort would be five times as large.
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

    /// The same from the length for each symbol, 0 for those it has not.
    fn from_all(lengths: &[u8]) -> Self {
        let lengths: Vec<_> = lengths.iter().copied().zip(0u16..).filter(|(length, _)| *length > 0).collect();
        Self::new(&lengths)
    }

    /// Codes are counted up from their highest bit, but come lowest first: each entry is found at its bits reversed,
    /// followed by any others.
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

    /// The next symbol.
    #[inline(never)] // a call costs less than a copy in each of ten places
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize, Stop> {
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
    fn long_symbol(&self, bits: &mut Bits<'_>, next: u64) -> Result<usize, Stop> {
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

/// Up to four symbols by name.
fn read_simple(bits: &mut Bits<'_>, symbols: usize) -> Result<Code, Stop> {
    let count = bits.read(2)?.saturating_add(1);
    let symbol_bits = usize::BITS.saturating_sub(symbols.saturating_sub(1).leading_zeros());
    let mut named = [0u16; 4];
    for slot in named.iter_mut().take(count) {
        let symbol = bits.read(symbol_bits)?;
        if symbol >= symbols {
            return Err(CORRUPT);
        }
        *slot = u16::try_from(symbol).unwrap_or_default();
    }
    let of_named: [u8; 4] = match count {
        1 | 2 => [1, 1, 0, 0],
        3 => [1, 2, 2, 0],
        _ if bits.read_bool()? => [1, 2, 3, 3],
        _ => [2; 4],
    };
    // Of symbols with one length the lower one comes first.
    order(&mut named, of_named, count);
    let lengths: Vec<_> = of_named.into_iter().zip(named).take(count).collect();
    let is_twice = |(place, (_, symbol)): (usize, &(u8, u16))| {
        lengths.iter().take(place).any(|(_, other)| other == symbol)
    };
    if lengths.iter().enumerate().any(is_twice) {
        return Err(CORRUPT);
    }
    Ok(Code::new(&lengths))
}

/// Puts neighbours of one length into order, as often as four of them may need it.
fn order(named: &mut [u16; 4], lengths: [u8; 4], count: usize) {
    for _ in 0..count {
        for place in 1..count {
            let before = place.saturating_sub(1);
            let is_pair = lengths.get(before) == lengths.get(place);
            if is_pair && named.get(before) > named.get(place) {
                named.swap(before, place);
            }
        }
    }
}

/// The length of each symbol, itself in a code.
fn read_complex(bits: &mut Bits<'_>, symbols: usize, skipped: usize) -> Result<Code, Stop> {
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
    read_lengths(bits, &Code::from_all(&lengths), symbols)
}

fn read_lengths(bits: &mut Bits<'_>, of_lengths: &Code, symbols: usize) -> Result<Code, Stop> {
    let mut lengths = [0u8; SYMBOLS_MAX];
    let lengths = lengths.get_mut(..symbols).ok_or(CORRUPT)?;
    let mut space = 1i32 << LENGTH_MAX;
    let (mut at, mut previous) = (0usize, 8u8);
    // Repeats that follow one another are one with more digits.
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
    if space == 0 { Ok(Code::from_all(lengths)) } else { Err(CORRUPT) }
}
