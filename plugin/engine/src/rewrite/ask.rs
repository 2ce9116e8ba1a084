//! Where `stream_options.include_usage` goes in a request's JSON, found as its bytes pass.
//!
//! Bytes are spliced, never written anew: members keep their order, spelling and white space. The edit stands as
//! late in the document as it can, since only what was read before it can speak against it.

use super::Edit;
use super::look::Look;
use crate::scan::StringReader;

/// What is put into a document without the option.
const MEMBER: &str = r#","stream_options":{"include_usage":true}"#;

/// Longest literal that means anything here: `false`.
const LITERAL_BYTES_MAX: usize = 5;

/// Longest key that means anything here: `stream_options`; one byte more tells a longer one.
const KEY_BYTES_MAX: usize = 15;

/// A walk over the two outer levels of a document.
#[derive(Debug)]
pub(super) struct Ask {
    /// Walks along for its strictness: what is no JSON object is left alone.
    json: Look,
    state: State,
    /// Bytes walked before those at hand.
    offset: usize,
    is_inside_options: bool,
    member: Member,
    key: StringReader,
    literal: Literal,
    /// Open containers of a value that nobody wants.
    nested: usize,
    /// The last one counts, as it does for nearly every parser.
    stream: bool,
    options: Options,
    /// Where the document's last brace stands.
    end_at: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    /// Between members: at a key, a comma or a brace.
    Between,
    Key,
    Colon,
    Value,
    Literal,
    Text,
    /// In a container that nobody wants, and in a string in it.
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
    /// `null` at this place.
    Null { at: usize },
    /// An object that has not said `include_usage` yet.
    Open { is_empty: bool },
    /// An object that never said it, and where it ends.
    Closed { at: usize, is_empty: bool },
    /// It says `false` or `null`.
    Declined { at: usize, length: usize },
    /// It says `true`.
    Asked,
    /// Anything else, and whatever stands there twice: the provider's to judge.
    Odd,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            json: Look::at_nothing(),
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

impl Ask {
    /// Reads on.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.json.feed(bytes);
        let mut rest = bytes;
        while !rest.is_empty() && self.state != State::Done && !self.json.is_other() {
            let at = self.offset.saturating_add(bytes.len().saturating_sub(rest.len()));
            rest = self.step(rest, at);
        }
        self.offset = self.offset.saturating_add(bytes.len());
    }

    /// Whether the document is complete.
    pub(super) fn is_complete(&self) -> bool {
        self.end_at.is_some() && !self.json.is_other()
    }

    /// What makes the document ask for usage, as far as it was read; places count from its first byte.
    pub(super) fn edit(&self) -> Option<Edit> {
        if self.json.is_other() || !self.stream {
            return None;
        }
        let (at, removed, insert) = match self.options {
            Options::Absent => (self.end_at?, 0, MEMBER),
            Options::Null { at } => (at, 4, r#"{"include_usage":true}"#),
            Options::Closed { at, is_empty: true } => (at, 0, r#""include_usage":true"#),
            Options::Closed { at, is_empty: false } => (at, 0, r#","include_usage":true"#),
            Options::Declined { at, length } => (at, length, "true"),
            Options::Open { .. } | Options::Asked | Options::Odd => return None,
        };
        Some(Edit { at, removed, insert })
    }

    /// Takes what it can of `bytes`, which begin at `at`.
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
                self.literal_ends();
                self.state = State::Between;
                return bytes;
            }
            _ if byte.is_ascii_whitespace() => {}
            State::Start => self.state = State::Between, // a brace, or the other scanner knows better
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
            _ => {} // a comma: the other scanner sees to what may stand here
        }
    }

    fn key<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(rest) = self.past_string(bytes) else {
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

    /// What follows the string, once it has ended.
    fn past_string<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
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
                self.is_of_no_use();
                self.nested = 1;
                self.state = State::Nested;
            }
            (b'"', _) => {
                self.is_of_no_use();
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

    /// The member's value is none of those that mean something.
    fn is_of_no_use(&mut self) {
        match self.member {
            Member::Stream => self.stream = false,
            Member::Options | Member::Usage => self.options = Options::Odd,
            Member::Other => {}
        }
    }

    fn literal_ends(&mut self) {
        let Literal { at, length, .. } = self.literal;
        match (self.member, self.literal.text(), self.options) {
            (Member::Stream, text, _) => self.stream = text == b"true",
            (Member::Options, b"null", Options::Absent) => self.options = Options::Null { at },
            (Member::Usage, b"true", Options::Open { .. }) => self.options = Options::Asked,
            (Member::Usage, b"false" | b"null", Options::Open { .. }) => {
                self.options = Options::Declined { at, length };
            }
            _ => self.is_of_no_use(),
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
        let Some(rest) = self.past_string(bytes) else {
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

    /// Empty where it is longer than any that means something.
    fn text(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
