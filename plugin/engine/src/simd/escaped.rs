//! Scans the text of a JSON string as written, with its escapes, in blocks.
//!
//! Resolving an escape costs more than dozens of bytes of plain text. Code that only counts the characters of a text
//! needs no resolved bytes: it takes the text as written, with the positions of the escapes.

use super::lane::{BLOCK_BYTES, lanes};

/// The amount of text that a scan has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EscapedLength {
    /// The number of bytes taken, including those of escapes.
    pub(crate) bytes: usize,
    /// The number of bytes that the text has with its escapes resolved.
    pub(crate) text_bytes: u64,
    /// The last byte of that text; `None` if no byte was taken.
    pub(crate) last: Option<u8>,
}

/// The bytes of a block that are text, as bit masks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// The bytes that stand for text: neither a backslash that begins an escape, nor a byte after the run.
    pub(crate) text: u64,
    /// The bytes directly after a backslash that begins an escape.
    pub(crate) escaped: u64,
    /// The last byte of the run, with its escape resolved.
    pub(crate) last: u8,
}

impl Run {
    /// Returns the run of a whole block without escapes.
    pub(crate) fn plain(block: &[u8]) -> Self {
        Self { text: first(block.len()), escaped: 0, last: block.last().copied().unwrap_or_default() }
    }
}

/// Returns a mask whose lowest `count` bits are set.
fn first(count: usize) -> u64 {
    let bit = u32::try_from(count).ok().and_then(|count| 1_u64.checked_shl(count));
    bit.map_or(u64::MAX, |bit| bit.wrapping_sub(1))
}

/// Scans up to `room` bytes of text and passes each block to `take`.
///
/// Stops before the closing quote, before a `\u` escape, and before an escape that is cut off.
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

/// The bytes that may end a run or belong to an escape, as bit masks.
#[derive(Clone, Copy, Debug, Default)]
struct Delimiters {
    quotes: u64,
    backslashes: u64,
    unicode: u64,
}

impl Delimiters {
    fn of(block: &[u8]) -> Self {
        let mut ends = Self::default();
        lanes(block, |lane, at| {
            ends.quotes |= lane.is(b'"').wrapping_shl(at);
            ends.backslashes |= lane.is(b'\\').wrapping_shl(at);
            ends.unicode |= lane.is(b'u').wrapping_shl(at);
        });
        ends
    }

    /// Returns the length of the run at the beginning of a block, which must not begin inside an escape.
    fn run(self, block: &[u8]) -> (usize, Run) {
        let (mut starts, mut escaped) = (0, 0);
        // Takes the backslashes from the lowest on. Each one that is left begins an escape, so the byte after it does
        // not, even if it is a backslash: both are removed.
        let mut left = self.backslashes;
        while left != 0 {
            let start = left & left.wrapping_neg();
            starts |= start;
            escaped |= start << 1;
            left &= !(start | start << 1);
        }
        let stops = (self.quotes & !escaped) | (self.unicode & escaped) >> 1;
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

/// Returns the byte that stands for this one after a backslash. Does not apply to `u`.
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
