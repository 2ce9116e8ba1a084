//! Finds the place for `stream_options.include_usage` in a request's JSON while its bytes pass.
//!
//! Bytes are spliced and the document is never written again, so members keep their order, spelling and white space.
//! The edit is as late in the document as possible, since only bytes before it can rule it out.

use super::Edit;
use super::chunk_probe::ChunkProbe;
use crate::scan::StringReader;

/// The member to insert into a document without `stream_options`.
const MEMBER: &str = r#","stream_options":{"include_usage":true}"#;

/// Length of the longest literal that matters: `false`.
const LITERAL_BYTES_MAX: usize = 5;

/// Length of the longest key that matters, `stream_options`, plus one byte to recognise longer keys.
const KEY_BYTES_MAX: usize = 15;

/// A scanner of the two outer levels of a request's document.
#[derive(Debug)]
pub(super) struct UsageOptionScanner {
    /// Checks the syntax: a body that is not a JSON object is left alone.
    json: ChunkProbe,
    state: State,
    /// The number of bytes in earlier pieces.
    offset: usize,
    is_inside_options: bool,
    member: Member,
    key: StringReader,
    literal: Literal,
    /// The number of open containers in a value that does not matter.
    nested: usize,
    /// The value of `stream`. The last one counts, as in nearly every JSON parser.
    stream: bool,
    options: Options,
    /// The offset of the document's last brace. `None` until it arrives.
    end_at: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    /// Between members: before a key, a comma or a brace.
    Between,
    Key,
    Colon,
    Value,
    Literal,
    Text,
    /// In a container that does not matter.
    Nested,
    NestedText,
    Done,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Member {
    #[default]
    Other,
    Stream,
    Options,
    Usage,
}

#[derive(Clone, Copy, Debug, Default)]
struct Literal {
    at: usize,
    bytes: [u8; LITERAL_BYTES_MAX],
    length: usize,
}

/// The client's `stream_options`, as far as they were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Options {
    #[default]
    Absent,
    /// `null` at this offset.
    Null { at: usize },
    /// An object without `include_usage` so far.
    Open { is_empty: bool },
    /// An object without `include_usage`, which ends at this offset.
    Closed { at: usize, is_empty: bool },
    /// `include_usage` is `false` or `null`.
    Declined { at: usize, length: usize },
    /// `include_usage` is `true`.
    Requested,
    /// Anything else, or a key that is there twice. The provider decides what it means.
    Other,
}

impl Default for UsageOptionScanner {
    fn default() -> Self {
        Self {
            json: ChunkProbe::for_syntax(),
            state: State::default(),
            offset: 0,
            is_inside_options: false,
            member: Member::default(),
            key: StringReader::default(),
            literal: Literal::default(),
            nested: 0,
            stream: false,
            options: Options::default(),
            end_at: None,
        }
    }
}

impl UsageOptionScanner {
    /// Reads the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.json.feed(bytes);
        let mut rest = bytes;
        while !rest.is_empty() && self.state != State::Done && !self.json.is_ruled_out() {
            let at = self.offset.saturating_add(bytes.len().saturating_sub(rest.len()));
            rest = self.step(rest, at);
        }
        self.offset = self.offset.saturating_add(bytes.len());
    }

    /// Returns whether the document is complete.
    pub(super) fn is_complete(&self) -> bool {
        self.end_at.is_some() && !self.json.is_ruled_out()
    }

    /// Returns the edit that makes the document ask for usage, as far as it was read. Offsets count from its first
    /// byte.
    ///
    /// `None` if it needs no edit, or cannot be edited safely.
    pub(super) fn edit(&self) -> Option<Edit> {
        if self.json.is_ruled_out() || !self.stream {
            return None;
        }
        let (at, removed, insert) = match self.options {
            Options::Absent => (self.end_at?, 0, MEMBER),
            Options::Null { at } => (at, 4, r#"{"include_usage":true}"#),
            Options::Closed { at, is_empty: true } => (at, 0, r#""include_usage":true"#),
            Options::Closed { at, is_empty: false } => (at, 0, r#","include_usage":true"#),
            Options::Declined { at, length } => (at, length, "true"),
            Options::Open { .. } | Options::Requested | Options::Other => return None,
        };
        Some(Edit { at, removed, insert })
    }

    /// Reads a token from `bytes`, which begin at offset `at`, and returns the rest.
    fn step<'b>(&mut self, bytes: &'b [u8], at: usize) -> &'b [u8] {
        let Some((&byte, tail)) = bytes.split_first() else {
            return bytes;
        };
        match self.state {
            State::Key => return self.key(bytes),
            State::Text | State::NestedText => return self.text(bytes),
            State::Literal if !matches!(byte, b',' | b'}') && !byte.is_ascii_whitespace() => {
                self.literal.push(byte);
            }
            State::Literal => {
                self.end_literal();
                self.state = State::Between;
                return bytes;
            }
            _ if byte.is_ascii_whitespace() => {}
            State::Start => self.state = State::Between, // a brace, or the other scanner reports a syntax error
            State::Between => self.between(byte, at),
            State::Colon => self.state = State::Value,
            State::Value => self.value(byte, at),
            State::Nested => self.nested(byte),
            State::Done => {}
        }
        tail
    }

    fn between(&mut self, byte: u8, at: usize) {
        match byte {
            b'"' => {
                self.key.begin(KEY_BYTES_MAX);
                self.state = State::Key;
            }
            b'}' if self.is_inside_options => {
                self.is_inside_options = false;
                if let Options::Open { is_empty } = self.options {
                    self.options = Options::Closed { at, is_empty };
                }
            }
            b'}' => {
                self.end_at = Some(at);
                self.state = State::Done;
            }
            _ => {} // a comma; the other scanner checks the syntax
        }
    }

    fn key<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(rest) = self.read_string(bytes) else {
            return b"";
        };
        self.member = match (self.is_inside_options, self.key.kept()) {
            (false, b"stream") => Member::Stream,
            (false, b"stream_options") => Member::Options,
            (true, b"include_usage") => Member::Usage,
            _ => Member::Other,
        };
        if let (true, Options::Open { is_empty }) = (self.is_inside_options, &mut self.options) {
            *is_empty = false;
        }
        self.state = State::Colon;
        rest
    }

    /// Returns the bytes after the string. `None` if it has not ended.
    fn read_string<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        self.key.feed(bytes, |_: &[u8]| {})
    }

    fn value(&mut self, byte: u8, at: usize) {
        let is_first = self.options == Options::Absent;
        match (byte, self.member) {
            (b'{', Member::Options) if is_first => {
                self.options = Options::Open { is_empty: true };
                self.is_inside_options = true;
                self.state = State::Between;
            }
            (b'{' | b'[', _) => {
                self.set_other();
                self.nested = 1;
                self.state = State::Nested;
            }
            (b'"', _) => {
                self.set_other();
                self.key.begin(0);
                self.state = State::Text;
            }
            _ => {
                self.literal = Literal { at, ..Literal::default() };
                self.literal.push(byte);
                self.state = State::Literal;
            }
        }
    }

    /// Records that the member's value has none of the types that matter.
    fn set_other(&mut self) {
        match self.member {
            Member::Stream => self.stream = false,
            Member::Options | Member::Usage => self.options = Options::Other,
            Member::Other => {}
        }
    }

    fn end_literal(&mut self) {
        let Literal { at, length, .. } = self.literal;
        match (self.member, self.literal.text(), self.options) {
            (Member::Stream, text, _) => self.stream = text == b"true",
            (Member::Options, b"null", Options::Absent) => self.options = Options::Null { at },
            (Member::Usage, b"true", Options::Open { .. }) => self.options = Options::Requested,
            (Member::Usage, b"false" | b"null", Options::Open { .. }) => {
                self.options = Options::Declined { at, length };
            }
            _ => self.set_other(),
        }
    }

    fn nested(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.key.begin(0);
                self.state = State::NestedText;
            }
            b'{' | b'[' => self.nested = self.nested.saturating_add(1),
            b'}' | b']' => {
                self.nested = self.nested.saturating_sub(1);
                if self.nested == 0 {
                    self.state = State::Between;
                }
            }
            _ => {}
        }
    }

    fn text<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(rest) = self.read_string(bytes) else {
            return b"";
        };
        self.state = if self.state == State::NestedText { State::Nested } else { State::Between };
        rest
    }
}

impl Literal {
    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.length) {
            *slot = byte;
        }
        self.length = self.length.saturating_add(1);
    }

    /// Returns the literal. Empty if it is longer than any that matters.
    fn text(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
