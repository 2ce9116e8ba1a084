//! The inside of a JSON string: escapes unescape, the first bytes kept.

use super::{At, NodeId, Sink};
use crate::simd::unescape;

/// What stands for half a character: U+FFFD.
const REPLACEMENT: &[u8] = "\u{FFFD}".as_bytes();

/// Takes the pieces of a string, escapes unescape, as they are read.
pub(crate) trait Out {
    /// Whether it looks at them.
    const LOOKS: bool;

    /// A piece.
    fn take(&mut self, piece: &[u8]);

    /// How many of these bytes it has taken as they are written; see [`super::Sink::written`].
    fn written(&mut self, _bytes: &[u8]) -> usize {
        0
    }
}

impl<F: FnMut(&[u8])> Out for F {
    const LOOKS: bool = true;

    fn take(&mut self, piece: &[u8]) {
        self(piece);
    }
}

/// A place that flows.
pub(super) struct Flow<'s, S> {
    pub(super) sink: &'s mut S,
    pub(super) node: NodeId,
    pub(super) at: At,
}

impl<S: Sink> Out for Flow<'_, S> {
    const LOOKS: bool = true;

    fn take(&mut self, piece: &[u8]) {
        self.sink.flow(self.node, self.at, piece);
    }

    fn written(&mut self, bytes: &[u8]) -> usize {
        self.sink.written(self.node, self.at, bytes)
    }
}

/// Where no piece is wanted.
pub(crate) struct Nobody;

impl Out for Nobody {
    const LOOKS: bool = false;

    fn take(&mut self, _piece: &[u8]) {}
}

/// Reads one string from its first byte to its closing quote, over any number of calls.
#[derive(Debug, Default)]
pub(crate) struct Text {
    kept: Vec<u8>,
    keep_max: usize,
    empty: bool,
    cut: bool,
    escape: Escape,
    /// First half of a surrogate pair, waiting for the second.
    high: Option<u16>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Backslash,
    /// `\u` with so many hex digits read.
    Unicode {
        digits: u8,
        value: u16,
    },
}

/// How a string began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun<'b> {
    /// All of it stands there as it is meant: its text, which was not kept, and what follows.
    Whole(&'b [u8], &'b [u8]),
    /// It had escapes and has ended: its text was kept; what follows.
    Ended(&'b [u8]),
    /// It goes on beyond these bytes.
    Open,
}

impl Text {
    /// A new string begins with `bytes`, of which `keep_max` bytes are wanted. Most strings are short, without
    /// escapes and in one piece: those are never copied, nor do they go through `out`, which gets all text of
    /// others in pieces.
    pub(super) fn start<'b>(&mut self, keep_max: usize, bytes: &'b [u8], out: impl Out) -> Begun<'b> {
        let stop = stop(bytes);
        let (plain, from_stop) = bytes.split_at_checked(stop).unwrap_or((bytes, b""));
        if let Some((b'"', rest)) = from_stop.split_first() {
            return Begun::Whole(plain, rest);
        }
        let mut out = out;
        self.begin(keep_max);
        self.push(plain, &mut out);
        self.feed(from_stop, out).map_or(Begun::Open, Begun::Ended)
    }

    /// A new string begins, of which `keep_max` bytes are wanted.
    pub(crate) fn begin(&mut self, keep_max: usize) {
        self.kept.clear();
        self.keep_max = keep_max;
        self.empty = true;
        self.cut = false;
        self.escape = Escape::None;
        self.high = None;
    }

    /// The kept bytes; complete once [`Text::feed`] has seen the closing quote.
    pub(crate) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Whether nothing stood between the quotes.
    pub(super) fn is_empty(&self) -> bool {
        self.empty
    }

    /// Whether more stood there than was kept.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Takes bytes up to and including the closing quote. `Some(rest)`: the string has ended.
    pub(crate) fn feed<'b, O: Out>(&mut self, bytes: &'b [u8], mut out: O) -> Option<&'b [u8]> {
        let out = &mut out;
        let mut rest = bytes;
        while let Some((&byte, tail)) = rest.split_first() {
            if self.cut && !O::LOOKS {
                return self.skip(rest);
            }
            // What is kept has to be unescape; the rest may be taken as it is written.
            if self.keep_max == 0 && self.escape == Escape::None && self.high.is_none() {
                let taken = out.written(rest);
                if taken > 0 {
                    (self.empty, self.cut) = (false, true);
                    rest = rest.get(taken..)?;
                    continue;
                }
            }
            // What stands for itself behind a backslash is the beginning of the text behind it.
            let is_itself = self.escape == Escape::Backslash && matches!(byte, b'"' | b'\\' | b'/');
            if self.escape != Escape::None && !is_itself {
                if self.escaped(byte, out) {
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

    /// Past what is left of a string of which enough is kept: only quotes matter, and whether an odd number of
    /// backslashes before one makes it part of the text. A `\u` that breaks off hides no quote, so its digits are text.
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

    /// Whether `byte` belongs to the escape.
    fn escaped(&mut self, byte: u8, out: &mut impl Out) -> bool {
        match self.escape {
            Escape::Unicode { digits, value } => return self.hex(byte, (digits, value), out),
            _ if byte == b'u' => self.escape = Escape::Unicode { digits: 0, value: 0 },
            _ => {
                self.escape = Escape::None;
                self.push(&[unescape(byte)], out);
            }
        }
        true
    }

    fn hex(&mut self, byte: u8, (digits, value): (u8, u16), out: &mut impl Out) -> bool {
        let Some(digit) = char::from(byte).to_digit(16) else {
            // An escape that breaks off must not swallow the closing quote.
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
            self.unit(value, out);
        }
        true
    }

    /// One UTF-16 code unit; halves of a pair come one after the other.
    fn unit(&mut self, unit: u16, out: &mut impl Out) {
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

    fn push(&mut self, bytes: &[u8], out: &mut impl Out) {
        if !bytes.is_empty() {
            self.flush_high(out);
            self.keep(bytes, out);
        }
    }

    /// A first half without its second half is no character.
    fn flush_high(&mut self, out: &mut impl Out) {
        if self.high.take().is_some() {
            self.keep(REPLACEMENT, out);
        }
    }

    fn keep(&mut self, bytes: &[u8], out: &mut impl Out) {
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

/// Words of eight bytes looked at before the search by blocks, which pays off only on longer text.
const SHORT_WORDS: usize = 4;

/// Where the first quote or backslash stands, or the end.
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

/// The top bit of every zero byte, up to and including the lowest one; those above it may be set wrongly.
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & ONES.wrapping_shl(7)
}

#[cfg(test)]
mod tests;
