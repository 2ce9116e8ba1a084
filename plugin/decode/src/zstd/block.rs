//! One compressed block (RFC 8878 section 3.1.1.3).

use super::super::memory::{MemoryBudget, Reservation};
use super::super::window::Window;
use super::super::{DecodeError, Output};
use super::huffman::Huffman;
use super::sequences::Sequences;
use super::{KEPT_BYTES_MAX, number};

/// The tables that a block may take over from earlier ones, and buffers.
#[derive(Debug)]
pub(super) struct Tables {
    huffman: Huffman,
    sequences: Sequences,
    literals: Vec<u8>,
    literals_memory: Reservation,
}

/// The encoding of a block's literals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LiteralsKind {
    Raw,
    Rle,
    Compressed,
    /// Compressed with the code of an earlier block.
    Treeless,
}

impl Tables {
    pub(super) fn new(budget: &MemoryBudget) -> Self {
        let (huffman, sequences, literals) = Default::default();
        Self { huffman, sequences, literals, literals_memory: budget.reservation() }
    }

    /// Releases the memory.
    pub(super) fn release(&mut self) {
        *self = Self::new(self.literals_memory.budget());
    }

    /// Begins a new frame.
    pub(super) fn restart(&mut self) {
        self.huffman.clear();
        self.sequences.restart();
    }

    /// Decodes a block.
    pub(super) fn block(
        &mut self,
        bytes: &[u8],
        block_bytes_max: usize,
        window: &mut Window,
        out: &mut Output<'_>,
    ) -> Result<(), DecodeError> {
        self.literals.clear();
        let rest = self.read_literals(bytes, block_bytes_max)?;
        let literals = &self.literals;
        self.sequences.run(rest, literals, block_bytes_max, window, out)?;
        self.literals.clear();
        if self.literals.capacity() > KEPT_BYTES_MAX {
            self.literals.shrink_to(KEPT_BYTES_MAX);
            let _smaller = self.literals_memory.resize(self.literals.capacity());
        }
        Ok(())
    }

    /// Reads the literals, and returns the bytes after them.
    fn read_literals<'b>(
        &mut self,
        bytes: &'b [u8],
        block_bytes_max: usize,
    ) -> Result<&'b [u8], DecodeError> {
        let first = bytes.first().copied().ok_or(DecodeError::Corrupt)?;
        let kind = match first & 3 {
            0 => LiteralsKind::Raw,
            1 => LiteralsKind::Rle,
            2 => LiteralsKind::Compressed,
            _ => LiteralsKind::Treeless,
        };
        let format = first >> 2 & 3;
        let is_plain = matches!(kind, LiteralsKind::Raw | LiteralsKind::Rle);
        // These are the bytes of the header, the bits before the first size and the bits of each size.
        let (header_bytes, skipped, size_bits) = match (is_plain, format) {
            (true, 0 | 2) => (1, 3, 5),
            (true, 1) => (2, 4, 12),
            (true, _) => (3, 4, 20),
            (false, 0 | 1) => (3, 4, 10),
            (false, 2) => (4, 4, 14),
            (false, _) => (5, 4, 18),
        };
        let (header, rest) = bytes.split_at_checked(header_bytes).ok_or(DecodeError::Corrupt)?;
        let header = number(header).wrapping_shr(skipped);
        let mask = 1u64.wrapping_shl(size_bits).wrapping_sub(1);
        let count = usize::try_from(header & mask).unwrap_or(usize::MAX);
        if count > block_bytes_max {
            return Err(DecodeError::Corrupt);
        }
        let coded = match kind {
            LiteralsKind::Raw => count,
            LiteralsKind::Rle => 1,
            _ => usize::try_from(header.wrapping_shr(size_bits) & mask).unwrap_or(usize::MAX),
        };
        let (coded, rest) = rest.split_at_checked(coded).ok_or(DecodeError::Corrupt)?;
        self.literals_memory.make_room(&mut self.literals, count)?;
        match kind {
            LiteralsKind::Raw => self.literals.extend_from_slice(coded),
            LiteralsKind::Rle => self.literals.resize(count, coded.first().copied().unwrap_or_default()),
            _ => self.read_coded(coded, kind, count, format != 0)?,
        }
        Ok(rest)
    }

    fn read_coded(
        &mut self,
        bytes: &[u8],
        kind: LiteralsKind,
        count: usize,
        four: bool,
    ) -> Result<(), DecodeError> {
        let streams = if kind == LiteralsKind::Compressed { self.huffman.read(bytes)? } else { bytes };
        if self.huffman.is_empty() {
            return Err(DecodeError::Corrupt);
        }
        if !four {
            return self.huffman.decode(streams, count, &mut self.literals);
        }
        let (sizes, mut rest) = streams.split_first_chunk::<6>().ok_or(DecodeError::Corrupt)?;
        let each = count.div_ceil(4);
        let mut left = count;
        for size in sizes.as_chunks::<2>().0 {
            let size = usize::from(u16::from_le_bytes(*size));
            let (stream, tail) = rest.split_at_checked(size).ok_or(DecodeError::Corrupt)?;
            self.huffman.decode(stream, each, &mut self.literals)?;
            left = left.checked_sub(each).ok_or(DecodeError::Corrupt)?;
            rest = tail;
        }
        self.huffman.decode(rest, left, &mut self.literals)
    }
}
