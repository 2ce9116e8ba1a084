//! Reads the inside of a JSON string: resolves escapes and keeps the first bytes.

use super::{At, NodeId, Sink};
use crate::simd::unescape;

/// U+FFFD, which replaces an unpaired surrogate.
const REPLACEMENT: &[u8] = "\u{FFFD}".as_bytes();

/// Receives the pieces of a string as they are read, with escapes resolved.
pub(crate) trait TextSink {
    /// Whether the sink uses the pieces; if not, the reader may skip them.
    const READS: bool;

    /// Receives a piece.
    fn take(&mut self, piece: &[u8]);

    /// Returns how many of these bytes were taken as written; see [`super::Sink::flow_escaped`].
    fn take_escaped(&mut self, _bytes: &[u8]) -> usize {
        0
    }
}

impl<F: FnMut(&[u8])> TextSink for F {
    const READS: bool = true;

    fn take(&mut self, piece: &[u8]) {
        self(piece);
    }
}

/// Passes the pieces of a string to the [`Sink`] of a scanner.
pub(super) struct FlowSink<'s, S> {
    pub(super) sink: &'s mut S,
    pub(super) node: NodeId,
    pub(super) at: At,
}

impl<S: Sink> TextSink for FlowSink<'_, S> {
    const READS: bool = true;

    fn take(&mut self, piece: &[u8]) {
        self.sink.flow(self.node, self.at, piece);
    }

    fn take_escaped(&mut self, bytes: &[u8]) -> usize {
        self.sink.flow_escaped(self.node, self.at, bytes)
    }
}

/// Ignores all pieces.
pub(crate) struct NullSink;

impl TextSink for NullSink {
    const READS: bool = false;

    fn take(&mut self, _piece: &[u8]) {}
}

/// Reads one string from its first byte to its closing quote, over any number of calls.
#[derive(Debug, Default)]
pub(crate) struct StringReader {
    kept: Vec<u8>,
    keep_max: usize,
    empty: bool,
    cut: bool,
    escape: Escape,
    /// The first half of a surrogate pair; `None` unless the second half is expected.
    high: Option<u16>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Backslash,
    /// `\u` with this many hex digits already read.
    Unicode {
        digits: u8,
        value: u16,
    },
}

/// The result of reading the first bytes of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StringStart<'b> {
    /// The whole string, which has no escapes and was not copied, and the bytes after it.
    Whole(&'b [u8], &'b [u8]),
    /// The string had escapes and has ended: its text was kept. Holds the bytes after it.
    Ended(&'b [u8]),
    /// The string continues after these bytes.
    Open,
}

impl StringReader {
    /// Begins a string whose first bytes are `bytes`, and keeps up to `keep_max` bytes of it.
    ///
    /// Most strings are short, in one piece and without escapes. Those are returned as they are, neither copied nor
    /// sent to `out`. All text of other strings is sent to `out` in pieces.
    pub(super) fn start<'b>(
        &mut self,
        keep_max: usize,
        bytes: &'b [u8],
        out: impl TextSink,
    ) -> StringStart<'b> {
        let stop = stop(bytes);
        let (plain, from_stop) = bytes.split_at_checked(stop).unwrap_or((bytes, b""));
        if let Some((b'"', rest)) = from_stop.split_first() {
            return StringStart::Whole(plain, rest);
        }
        let mut out = out;
        self.begin(keep_max);
        self.push(plain, &mut out);
        self.feed(from_stop, out).map_or(StringStart::Open, StringStart::Ended)
    }

    /// Begins a string of which up to `keep_max` bytes are kept.
    pub(crate) fn begin(&mut self, keep_max: usize) {
        self.kept.clear();
        self.keep_max = keep_max;
        self.empty = true;
        self.cut = false;
        self.escape = Escape::None;
        self.high = None;
    }

    /// Returns the kept bytes, which are complete once [`StringReader::feed`] has seen the closing quote.
    pub(crate) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Whether the string is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.empty
    }

    /// Whether the string is longer than the kept bytes.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Reads bytes up to and including the closing quote. Returns the bytes after it; `None` if the string continues.
    pub(crate) fn feed<'b, O: TextSink>(&mut self, bytes: &'b [u8], mut out: O) -> Option<&'b [u8]> {
        let out = &mut out;
        let mut rest = bytes;
        while let Some((&byte, tail)) = rest.split_first() {
            if self.cut && !O::READS {
                return self.skip(rest);
            }
            // Kept bytes must have their escapes resolved; the others may be taken as written.
            if self.keep_max == 0 && self.escape == Escape::None && self.high.is_none() {
                let taken = out.take_escaped(rest);
                if taken > 0 {
                    (self.empty, self.cut) = (false, true);
                    rest = rest.get(taken..)?;
                    continue;
                }
            }
            // A quote, backslash or slash after a backslash is taken together with the plain text after it.
            let is_itself = self.escape == Escape::Backslash && matches!(byte, b'"' | b'\\' | b'/');
            if self.escape != Escape::None && !is_itself {
                if self.read_escape(byte, out) {
                    rest = tail;
                }
                continue;
            }
            self.escape = Escape::None;
            let from = usize::from(is_itself);
            let stop = stop(rest.get(from..)?).saturating_add(from);
            let (plain, from_stop) = rest.split_at_checked(stop)?;
            self.push(plain, out);
            let (&mark, tail) = from_stop.split_first()?;
            rest = tail;
            if mark == b'"' {
                self.flush_high(out);
                return Some(rest);
            }
            self.escape = Escape::Backslash;
        }
        None
    }

    /// Skips the rest of a string of which enough is kept.
    ///
    /// Only quotes matter, and whether an odd number of backslashes precedes one, which makes it part of the text. An
    /// incomplete `\u` escape cannot hide a quote, so its digits are skipped as text.
    fn skip<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let mut rest = bytes;
        if self.escape == Escape::Backslash {
            (_, rest) = rest.split_first()?;
        }
        loop {
            let quote = memchr::memchr(b'"', rest);
            let (text, from_quote) = rest.split_at_checked(quote.unwrap_or(rest.len()))?;
            let backslashes = text.iter().rev().take_while(|byte| **byte == b'\\').count();
            let is_escaped = !backslashes.is_multiple_of(2);
            self.escape = if is_escaped { Escape::Backslash } else { Escape::None };
            (_, rest) = from_quote.split_first()?;
            if !is_escaped {
                return Some(rest);
            }
        }
    }

    /// Returns whether `byte` belongs to the escape.
    fn read_escape(&mut self, byte: u8, out: &mut impl TextSink) -> bool {
        match self.escape {
            Escape::Unicode { digits, value } => return self.read_hex_digit(byte, (digits, value), out),
            _ if byte == b'u' => self.escape = Escape::Unicode { digits: 0, value: 0 },
            _ => {
                self.escape = Escape::None;
                self.push(&[unescape(byte)], out);
            }
        }
        true
    }

    fn read_hex_digit(&mut self, byte: u8, (digits, value): (u8, u16), out: &mut impl TextSink) -> bool {
        let Some(digit) = char::from(byte).to_digit(16) else {
            // An incomplete escape must not swallow the closing quote.
            self.escape = Escape::None;
            self.push(REPLACEMENT, out);
            return false;
        };
        let value = value.wrapping_shl(4) | u16::try_from(digit).unwrap_or(0);
        if digits < 3 {
            let digits = digits.saturating_add(1);
            self.escape = Escape::Unicode { digits, value };
        } else {
            self.escape = Escape::None;
            self.add_unit(value, out);
        }
        true
    }

    /// Adds one UTF-16 code unit. The halves of a surrogate pair arrive one after the other.
    fn add_unit(&mut self, unit: u16, out: &mut impl TextSink) {
        if (0xD800..0xDC00).contains(&unit) {
            self.flush_high(out);
            self.high = Some(unit);
            return;
        }
        let high = self.high.take();
        let units = [high.unwrap_or(unit), unit];
        let units = if high.is_some() { &units[..] } else { units.get(1..).unwrap_or_default() };
        for decoded in char::decode_utf16(units.iter().copied()) {
            let decoded = decoded.unwrap_or(char::REPLACEMENT_CHARACTER);
            let mut utf8 = [0; 4];
            let utf8 = decoded.encode_utf8(&mut utf8);
            self.keep(utf8.as_bytes(), out);
        }
    }

    fn push(&mut self, bytes: &[u8], out: &mut impl TextSink) {
        if !bytes.is_empty() {
            self.flush_high(out);
            self.keep(bytes, out);
        }
    }

    /// Replaces a first surrogate half that no second half follows.
    fn flush_high(&mut self, out: &mut impl TextSink) {
        if self.high.take().is_some() {
            self.keep(REPLACEMENT, out);
        }
    }

    fn keep(&mut self, bytes: &[u8], out: &mut impl TextSink) {
        self.empty = false;
        out.take(bytes);
        let room = self.keep_max.saturating_sub(self.kept.len());
        match bytes.get(..room) {
            Some(start) if start.len() < bytes.len() => {
                self.cut = true;
                self.kept.extend_from_slice(start);
            }
            _ => self.kept.extend_from_slice(bytes),
        }
    }
}

/// The number of eight-byte words searched before the vectorised search, which pays off only on longer text.
const SHORT_WORDS: usize = 4;

/// Returns the offset of the first quote or backslash, or the length.
fn stop(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let mut seen: usize = 0;
    for word in words.iter().take(SHORT_WORDS) {
        let word = u64::from_le_bytes(*word);
        let marks = zero_bytes(word ^ QUOTES) | zero_bytes(word ^ BACKSLASHES);
        if marks != 0 {
            let byte = usize::try_from(marks.trailing_zeros() / 8).unwrap_or(0);
            return seen.saturating_add(byte);
        }
        seen = seen.saturating_add(8);
    }
    let rest = bytes.get(seen..).unwrap_or_default();
    let further = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
    seen.saturating_add(further)
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);

/// Sets the top bit of every zero byte. Only the bits up to the lowest zero byte are reliable: the subtraction may
/// borrow into bytes above it. See "Determine if a word has a zero byte"
/// (<https://graphics.stanford.edu/~seander/bithacks.html>).
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & ONES.wrapping_shl(7)
}

#[cfg(test)]
mod tests;
