//! The sequences of a block: a number of literals, then a copy (RFC 8878 section 3.1.1.3.2).

use super::super::window::Window;
use super::super::{DecodeError, Output};
use super::bits::BackwardBits;
use super::fse::Fse;

/// The alphabets of literal lengths, match lengths and offsets: their sizes, accuracies and default distributions.
const LITERAL_LENGTHS: Alphabet = Alphabet {
    symbols: 36,
    accuracy_max: 9,
    accuracy: 6,
    shares: &[
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1,
        -1, -1, -1,
    ],
};
const MATCH_LENGTHS: Alphabet = Alphabet {
    symbols: 53,
    accuracy_max: 9,
    accuracy: 6,
    shares: &[
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
};
const OFFSETS: Alphabet = Alphabet {
    symbols: 32,
    accuracy_max: 8,
    accuracy: 5,
    shares: &[1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
};

struct Alphabet {
    symbols: usize,
    accuracy_max: u32,
    accuracy: u32,
    shares: &'static [i16],
}

/// The numbers of bits after the codes from 16 (literals) and from 32 (matches) on. Lower codes are the length itself.
const LITERAL_BITS: [u8; 20] = [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const MATCH_BITS: [u8; 21] = [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const MATCH_BYTES_MIN: u32 = 3;

/// The state of sequences, which continues from block to block.
#[derive(Debug)]
pub(super) struct Sequences {
    literals: Fse,
    offsets: Fse,
    matches: Fse,
    /// The last distances, the latest first.
    recent: [u32; 3],
}

impl Default for Sequences {
    fn default() -> Self {
        let [literals, offsets, matches] = Default::default();
        Self { literals, offsets, matches, recent: [1, 4, 8] }
    }
}

/// One sequence.
struct Sequence {
    literals: usize,
    distance: usize,
    bytes: usize,
}

impl Sequences {
    /// Begins a new frame.
    pub(super) fn restart(&mut self) {
        for table in [&mut self.literals, &mut self.offsets, &mut self.matches] {
            table.clear();
        }
        self.recent = [1, 4, 8];
    }

    /// Reads the sequences and executes them with `literals` and the window.
    pub(super) fn run(
        &mut self,
        bytes: &[u8],
        literals: &[u8],
        block_bytes_max: usize,
        window: &mut Window,
        out: &mut Output<'_>,
    ) -> Result<(), DecodeError> {
        let (count, rest) = read_count(bytes).ok_or(DecodeError::Corrupt)?;
        if count == 0 {
            if !rest.is_empty() {
                return Err(DecodeError::Corrupt);
            }
            return window.extend(literals, out);
        }
        let rest = self.read_tables(rest)?;
        let mut bits = BackwardBits::new(rest).ok_or(DecodeError::Corrupt)?;
        let mut literals = literals;
        let mut room = block_bytes_max;
        let mut states =
            [self.literals.begin(&mut bits), self.offsets.begin(&mut bits), self.matches.begin(&mut bits)];
        for left in (0..count).rev() {
            let sequence = self.read_sequence(states, &mut bits)?;
            if left > 0 {
                let [literal, offset, of_match] = states;
                let literal = self.literals.next(literal, &mut bits);
                let of_match = self.matches.next(of_match, &mut bits);
                states = [literal, self.offsets.next(offset, &mut bits), of_match];
            }
            if bits.is_overrun() {
                return Err(DecodeError::Corrupt);
            }
            let (now, later) = literals.split_at_checked(sequence.literals).ok_or(DecodeError::Corrupt)?;
            literals = later;
            let bytes = now.len().saturating_add(sequence.bytes);
            room = room.checked_sub(bytes).ok_or(DecodeError::Corrupt)?;
            window.extend(now, out)?;
            window.copy(sequence.distance, sequence.bytes, out)?;
        }
        if !bits.is_spent() || literals.len() > room {
            return Err(DecodeError::Corrupt);
        }
        window.extend(literals, out)
    }

    fn read_tables<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], DecodeError> {
        let (&modes, rest) = bytes.split_first().ok_or(DecodeError::Corrupt)?;
        if modes & 3 != 0 {
            return Err(DecodeError::Corrupt);
        }
        let rest = read_table(&mut self.literals, modes >> 6, &LITERAL_LENGTHS, rest)?;
        let rest = read_table(&mut self.offsets, modes >> 4 & 3, &OFFSETS, rest)?;
        read_table(&mut self.matches, modes >> 2 & 3, &MATCH_LENGTHS, rest)
    }

    fn read_sequence(
        &mut self,
        [literal, offset, of_match]: [u16; 3],
        bits: &mut BackwardBits<'_>,
    ) -> Result<Sequence, DecodeError> {
        let code = u32::from(self.offsets.symbol(offset));
        // A table of one symbol may have any symbol; the window bounds the distance in any case.
        if code > 31 {
            return Err(DecodeError::Corrupt);
        }
        let offset = 1u64.wrapping_shl(code).wrapping_add(bits.read(code));
        let bytes = read_length(self.matches.symbol(of_match), 32, &MATCH_BITS, bits)?;
        let literals = read_length(self.literals.symbol(literal), 16, &LITERAL_BITS, bits)?;
        let distance = self.resolve_offset(offset, literals == 0)?;
        Ok(Sequence {
            literals: usize::try_from(literals).unwrap_or(usize::MAX),
            distance: usize::try_from(distance).unwrap_or(usize::MAX),
            bytes: usize::try_from(bytes.saturating_add(MATCH_BYTES_MIN)).unwrap_or(usize::MAX),
        })
    }

    /// Returns the distance for an offset. Offsets 1 to 3 refer to recent distances, shifted by one if there are no
    /// literals (section 3.1.1.5).
    fn resolve_offset(&mut self, offset: u64, no_literals: bool) -> Result<u32, DecodeError> {
        let [first, second, third] = self.recent;
        let distance = match offset.saturating_add(u64::from(no_literals)) {
            1 => return Ok(first),
            2 => {
                self.recent = [second, first, third];
                return Ok(second);
            }
            3 => third,
            4 if no_literals => first.saturating_sub(1),
            _ => u32::try_from(offset.saturating_sub(3)).map_err(|_| DecodeError::Corrupt)?,
        };
        self.recent = [distance, first, second];
        Ok(distance)
    }
}

/// Reads the number of sequences, and returns it with the bytes after it.
fn read_count(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    match first {
        0..128 => Some((usize::from(first), rest)),
        128..255 => {
            let (&second, rest) = rest.split_first()?;
            Some((usize::from(u16::from_be_bytes([first & 127, second])), rest))
        }
        255 => {
            let (count, rest) = rest.split_first_chunk()?;
            Some((usize::from(u16::from_le_bytes(*count)).saturating_add(0x7F00), rest))
        }
    }
}

#[inline(never)]
fn read_table<'b>(
    table: &mut Fse,
    mode: u8,
    alphabet: &Alphabet,
    bytes: &'b [u8],
) -> Result<&'b [u8], DecodeError> {
    match mode {
        0 => table.build(alphabet.shares, alphabet.accuracy).map(|()| bytes),
        1 => {
            let (&symbol, rest) = bytes.split_first().ok_or(DecodeError::Corrupt)?;
            table.set_single(symbol);
            Ok(rest)
        }
        2 => table.read(bytes, alphabet.accuracy_max, alphabet.symbols),
        _ if table.is_empty() => Err(DecodeError::Corrupt),
        _ => Ok(bytes),
    }
}

/// Reads the bits after a code, and returns the length.
#[inline(never)]
fn read_length(
    code: u8,
    plain: u8,
    code_bits: &[u8],
    bits: &mut BackwardBits<'_>,
) -> Result<u32, DecodeError> {
    let Some(index) = code.checked_sub(plain) else {
        return Ok(u32::from(code));
    };
    let (before, from) = code_bits.split_at_checked(usize::from(index)).ok_or(DecodeError::Corrupt)?;
    let length = u32::from(*from.first().ok_or(DecodeError::Corrupt)?);
    // The range of each code begins where the one before it ends.
    let base = before
        .iter()
        .map(|bits| 1u32.wrapping_shl(u32::from(*bits)))
        .fold(u32::from(plain), u32::saturating_add);
    Ok(base.saturating_add(u32::try_from(bits.read(length)).unwrap_or_default()))
}
