//! Text as a JSON string has it, escapes and all, in blocks.
//!
//! Resolving an escape costs more than dozens of bytes of plain text do, and what only counts what a text is made of
//! needs no resolved bytes: it takes the text as it is written, with the places of the escapes.

use super::lane::{BLOCK_BYTES, lanes};

/// How far a text was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EscapedLength {
    /// Bytes taken, escapes and all.
    pub(crate) bytes: usize,
    /// How many bytes of text they are.
    pub(crate) text_bytes: u64,
    /// The last byte of that text.
    pub(crate) last: Option<u8>,
}

/// What of a block is text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Which bytes are: neither those that begin an escape, nor those behind the run.
    pub(crate) text: u64,
    /// Which bytes stand behind the one that begins an escape.
    pub(crate) escaped: u64,
    /// The last byte, as it is meant.
    pub(crate) last: u8,
}

impl Run {
    /// A block that is text as it stands there.
    pub(crate) fn plain(block: &[u8]) -> Self {
        Self { text: first(block.len()), escaped: 0, last: block.last().copied().unwrap_or_default() }
    }
}

/// So many bits.
fn first(count: usize) -> u64 {
    let bit = u32::try_from(count).ok().and_then(|count| 1_u64.checked_shl(count));
    bit.map_or(u64::MAX, |bit| bit.wrapping_sub(1))
}

/// Goes on up to `room` bytes of text, to the closing quote, to an escape of a character by its number or to one that
/// is cut off, none of which is taken.
pub(crate) fn scan_escaped(bytes: &[u8], room: u64, mut take: impl FnMut(&[u8], Run)) -> EscapedLength {
    let mut all = EscapedLength::default();
    loop {
        let rest = bytes.get(all.bytes..).unwrap_or_default();
        let room = usize::try_from(room.saturating_sub(all.text_bytes)).unwrap_or(usize::MAX);
        let block = rest.get(..room.min(BLOCK_BYTES)).unwrap_or(rest);
        let (length, run) = Delimiters::of(block).run(block);
        if length == 0 {
            return all;
        }
        take(block, run);
        all.last = Some(run.last);
        all.bytes = all.bytes.saturating_add(length);
        all.text_bytes = all.text_bytes.saturating_add(run.text.count_ones().into());
    }
}

/// What may end a run, or be an escape.
#[derive(Clone, Copy, Debug, Default)]
struct Delimiters {
    quotes: u64,
    backslashes: u64,
    numbers: u64,
}

impl Delimiters {
    fn of(block: &[u8]) -> Self {
        let mut ends = Self::default();
        lanes(block, |lane, at| {
            ends.quotes |= lane.is(b'"').wrapping_shl(at);
            ends.backslashes |= lane.is(b'\\').wrapping_shl(at);
            ends.numbers |= lane.is(b'u').wrapping_shl(at);
        });
        ends
    }

    /// How many bytes the run has that the block begins with. No block begins behind a backslash.
    fn run(self, block: &[u8]) -> (usize, Run) {
        let (mut starts, mut escaped) = (0, 0);
        let mut left = self.backslashes;
        while left != 0 {
            let start = left & left.wrapping_neg();
            starts |= start;
            escaped |= start << 1;
            left &= !(start | start << 1);
        }
        let stops = (self.quotes & !escaped) | (self.numbers & escaped) >> 1;
        let length = usize::try_from(stops.trailing_zeros()).unwrap_or(0).min(block.len());
        // An escape is taken whole or not at all.
        let whole = first(length);
        let is_cut_off = starts & whole & !(whole >> 1) != 0;
        let length = length.saturating_sub(is_cut_off.into());
        let whole = first(length);
        let at_last = whole & !(whole >> 1);
        let last = block.get(..length).and_then(|run| run.last()).copied().unwrap_or_default();
        let last = if escaped & at_last == 0 { last } else { unescape(last) };
        (length, Run { text: whole & !starts, escaped: escaped & whole, last })
    }
}

/// What a byte behind a backslash means; `u` is another matter.
pub(crate) fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        other => other,
    }
}

#[cfg(test)]
mod tests;
