//! A JSON document read as its bytes arrive.
//!
//! The scanner walks every byte once, keeps a stack of open containers and the one string or number it is in,
//! and nothing else: no tree, no copy of what nobody wants. It is strict about structure and lenient inside
//! strings (raw control characters and unknown escapes pass), since the reader of the traffic is the client,
//! and a meter that refuses what clients accept would count nothing. A run of digits, points, signs and `e`
//! always passes as a number, and counts for nothing where it is none.

use super::number::{as_written, split_number};
use super::text::{Begun, Flow, Nobody, Text};
use super::{At, NodeId, Paths, Scalar, Sink};
use crate::limits::{DEPTH_MAX, KEY_BYTES_MAX, NUMBER_BYTES_MAX};

/// Why a document cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not JSON.
    Malformed,
    /// Containers nested deeper than [`DEPTH_MAX`].
    TooDeep,
}

/// What a document was when its bytes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing but white space.
    Empty,
    /// A whole document.
    Complete,
    /// Cut off inside.
    Incomplete,
}

/// The scanner of one document at a time.
#[derive(Debug)]
pub struct Json {
    state: State,
    /// Open containers, outermost first; at most [`DEPTH_MAX`].
    stack: Vec<Level>,
    /// The place of the value being read, if any path leads to or through it.
    target: Option<NodeId>,
    text: Text,
    number: Vec<u8>,
    literal: Literal,
}

/// `true`, `false` or `null`: the letters still to come and what they will have spelled.
#[derive(Clone, Copy, Debug)]
struct Literal {
    left: &'static [u8],
    value: Scalar<'static>,
}

#[derive(Debug)]
struct Level {
    node: Option<NodeId>,
    is_array: bool,
    /// Ordinal of the element being read.
    ordinal: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Value,
    /// After `[`.
    ValueOrEnd,
    Key,
    /// After `{`.
    KeyOrEnd,
    InKey,
    Colon,
    InText,
    InNumber,
    InLiteral,
    /// After a value inside a container.
    CommaOrEnd,
    Done,
}

impl Default for Json {
    fn default() -> Self {
        Self {
            state: State::Start,
            stack: Vec::new(),
            target: Some(Paths::ROOT),
            text: Text::default(),
            number: Vec::new(),
            literal: Literal { left: b"", value: Scalar::Null },
        }
    }
}

impl Json {
    /// Forgets the document being read and waits for the next.
    pub fn reset(&mut self) {
        self.state = State::Start;
        self.stack.clear();
        self.target = Some(Paths::ROOT);
    }

    /// Whether anything but white space was read of the document.
    pub fn has_begun(&self) -> bool {
        self.state != State::Start
    }

    /// Whether the document is complete; bytes that follow belong to the next one.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads on and returns what follows the end of the document (empty while it goes on).
    pub fn feed<'b, S: Sink>(
        &mut self,
        bytes: &'b [u8],
        paths: &Paths,
        sink: &mut S,
    ) -> Result<&'b [u8], Fault> {
        let mut rest = bytes;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = match self.state {
                State::Done => return Ok(rest),
                State::InText => self.in_text(rest, paths, sink),
                State::InKey => self.in_key(rest, paths),
                State::InNumber => self.in_number(rest, paths, sink),
                State::InLiteral => self.in_literal(byte, tail, paths, sink)?,
                _ if matches!(byte, b' ' | b'\n' | b'\r' | b'\t') => tail,
                State::Key | State::KeyOrEnd if byte == b'"' => self.key(tail, paths),
                State::Start | State::Value | State::ValueOrEnd if byte == b'"' => {
                    self.text(tail, paths, sink)
                }
                _ => {
                    self.structure(byte, paths, sink)?;
                    tail
                }
            };
        }
        Ok(rest)
    }

    /// The bytes have ended: a number at the top has no other end than this.
    pub fn finish<S: Sink>(&mut self, paths: &Paths, sink: &mut S) -> Ended {
        if self.state == State::InNumber && self.stack.is_empty() {
            self.number_ends(paths, sink);
        }
        match self.state {
            State::Start => Ended::Empty,
            State::Done => Ended::Complete,
            _ => Ended::Incomplete,
        }
    }

    fn structure<S: Sink>(&mut self, byte: u8, paths: &Paths, sink: &mut S) -> Result<(), Fault> {
        match (self.state, byte) {
            (State::ValueOrEnd, b']') | (State::KeyOrEnd, b'}') => self.close(),
            (State::CommaOrEnd, b',') => {
                self.comma(paths);
                Ok(())
            }
            (State::CommaOrEnd, b']') if self.inside_array() => self.close(),
            (State::CommaOrEnd, b'}') if !self.inside_array() => self.close(),
            (State::Colon, b':') => {
                self.state = State::Value;
                Ok(())
            }
            (State::Start | State::Value | State::ValueOrEnd, _) => self.value(byte, paths, sink),
            _ => Err(Fault::Malformed),
        }
    }

    fn value<S: Sink>(&mut self, byte: u8, paths: &Paths, sink: &mut S) -> Result<(), Fault> {
        match byte {
            b'{' => self.open(false, paths, sink)?,
            b'[' => self.open(true, paths, sink)?,
            b'-' | b'0'..=b'9' => {
                self.number.clear();
                self.number.push(byte);
                self.state = State::InNumber;
            }
            b't' => self.literal_begins(b"rue", Scalar::Bool(true)),
            b'f' => self.literal_begins(b"alse", Scalar::Bool(false)),
            b'n' => self.literal_begins(b"ull", Scalar::Null),
            _ => return Err(Fault::Malformed),
        }
        Ok(())
    }

    fn open<S: Sink>(&mut self, is_array: bool, paths: &Paths, sink: &mut S) -> Result<(), Fault> {
        if self.stack.len() >= usize::try_from(DEPTH_MAX).unwrap_or(usize::MAX) {
            return Err(Fault::TooDeep);
        }
        let node = self.target;
        if let Some(wanted) = self.wanted_here(paths) {
            sink.open(wanted, self.at());
        }
        self.stack.push(Level { node, is_array, ordinal: 0 });
        if is_array {
            self.target = node.and_then(|node| paths.element(node));
            self.state = State::ValueOrEnd;
        } else {
            self.state = State::KeyOrEnd;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        self.stack.pop().ok_or(Fault::Malformed)?;
        self.value_ends();
        Ok(())
    }

    fn comma(&mut self, paths: &Paths) {
        let Some(level) = self.stack.last_mut() else {
            return;
        };
        if level.is_array {
            level.ordinal = level.ordinal.saturating_add(1);
            self.target = level.node.and_then(|node| paths.element(node));
            self.state = State::Value;
        } else {
            self.state = State::Key;
        }
    }

    fn key<'b>(&mut self, bytes: &'b [u8], paths: &Paths) -> &'b [u8] {
        let parent = self.stack.last().and_then(|level| level.node);
        match self.text.start(KEY_BYTES_MAX, bytes, Nobody) {
            Begun::Whole(key, rest) => {
                self.target = parent.and_then(|parent| paths.key(parent, key));
                self.state = State::Colon;
                rest
            }
            Begun::Ended(rest) => {
                self.key_ends(paths);
                rest
            }
            Begun::Open => {
                self.state = State::InKey;
                b""
            }
        }
    }

    fn in_key<'b>(&mut self, bytes: &'b [u8], paths: &Paths) -> &'b [u8] {
        let Some(rest) = self.text.feed(bytes, Nobody) else {
            return b"";
        };
        self.key_ends(paths);
        rest
    }

    fn key_ends(&mut self, paths: &Paths) {
        let parent = self.stack.last().and_then(|level| level.node);
        self.target =
            parent.filter(|_| !self.text.is_cut()).and_then(|parent| paths.key(parent, self.text.kept()));
        self.state = State::Colon;
    }

    fn text<'b, S: Sink>(&mut self, bytes: &'b [u8], paths: &Paths, sink: &mut S) -> &'b [u8] {
        let keep_max = self.target.and_then(|node| paths.wanted(node)).unwrap_or(0);
        let flow = self.flow(paths);
        let begun = match flow {
            None => self.text.start(keep_max, bytes, Nobody),
            Some((node, at)) => self.text.start(keep_max, bytes, Flow { sink, node, at }),
        };
        match begun {
            Begun::Whole(text, rest) => {
                if let Some((node, at)) = flow {
                    sink.flow(node, at, text);
                }
                let start = text.get(..keep_max).unwrap_or(text);
                self.report(Scalar::Text { start, empty: text.is_empty() }, paths, sink);
                self.value_ends();
                rest
            }
            Begun::Ended(rest) => {
                self.text_ends(paths, sink);
                rest
            }
            Begun::Open => {
                self.state = State::InText;
                b""
            }
        }
    }

    fn in_text<'b, S: Sink>(&mut self, bytes: &'b [u8], paths: &Paths, sink: &mut S) -> &'b [u8] {
        let rest = match self.flow(paths) {
            None => self.text.feed(bytes, Nobody),
            Some((node, at)) => self.text.feed(bytes, Flow { sink, node, at }),
        };
        let Some(rest) = rest else {
            return b"";
        };
        self.text_ends(paths, sink);
        rest
    }

    fn text_ends<S: Sink>(&mut self, paths: &Paths, sink: &mut S) {
        let value = Scalar::Text { start: self.text.kept(), empty: self.text.is_empty() };
        self.report(value, paths, sink);
        self.value_ends();
    }

    fn in_number<'b, S: Sink>(&mut self, bytes: &'b [u8], paths: &Paths, sink: &mut S) -> &'b [u8] {
        let rest = match self.wanted_here(paths) {
            Some(_) => {
                let (digits, rest) = split_number(bytes);
                // One byte too many is enough to know that this is no count.
                let room = NUMBER_BYTES_MAX.saturating_add(1).saturating_sub(self.number.len());
                self.number.extend_from_slice(digits.get(..room).unwrap_or(digits));
                rest
            }
            None => self.skip_numbers(bytes),
        };
        if !rest.is_empty() {
            self.number_ends(paths, sink);
        }
        rest
    }

    /// Past a number that nobody wants, and past those that follow it in an array: vectors are the longest
    /// bodies there are, and their ordinals matter to no path.
    fn skip_numbers<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let (_, mut rest) = split_number(bytes);
        if self.inside_array() && self.target.is_none() {
            while let [b',', after @ ..] = rest
                && let [b'-' | b'0'..=b'9', ..] = after
            {
                (_, rest) = split_number(after);
            }
        }
        rest
    }

    fn number_ends<S: Sink>(&mut self, paths: &Paths, sink: &mut S) {
        // Most numbers (vectors, probabilities) are wanted by nobody and not looked at.
        if let Some(node) = self.wanted_here(paths) {
            sink.scalar(node, self.at(), Scalar::Number(as_written(&self.number)));
        }
        self.value_ends();
    }

    fn literal_begins(&mut self, left: &'static [u8], value: Scalar<'static>) {
        (self.literal, self.state) = (Literal { left, value }, State::InLiteral);
    }

    fn in_literal<'b, S: Sink>(
        &mut self,
        byte: u8,
        tail: &'b [u8],
        paths: &Paths,
        sink: &mut S,
    ) -> Result<&'b [u8], Fault> {
        match self.literal.left.split_first() {
            Some((&expected, left)) if byte == expected => self.literal.left = left,
            _ => return Err(Fault::Malformed),
        }
        if self.literal.left.is_empty() {
            self.report(self.literal.value, paths, sink);
            self.value_ends();
        }
        Ok(tail)
    }

    fn report<S: Sink>(&self, value: Scalar<'_>, paths: &Paths, sink: &mut S) {
        if let Some(node) = self.wanted_here(paths) {
            sink.scalar(node, self.at(), value);
        }
    }

    fn wanted_here(&self, paths: &Paths) -> Option<NodeId> {
        self.target.filter(|node| paths.wanted(*node).is_some())
    }

    /// Where the pieces of the string being read are wanted.
    fn flow(&self, paths: &Paths) -> Option<(NodeId, At)> {
        let node = self.target.filter(|node| paths.flows(*node))?;
        Some((node, self.at()))
    }

    fn value_ends(&mut self) {
        self.state = if self.stack.is_empty() { State::Done } else { State::CommaOrEnd };
    }

    fn inside_array(&self) -> bool {
        self.stack.last().is_some_and(|level| level.is_array)
    }

    fn at(&self) -> At {
        let mut arrays = self.stack.iter().filter(|level| level.is_array);
        let outer = arrays.next().map_or(0, |level| level.ordinal);
        At { outer, inner: arrays.next_back().map_or(outer, |level| level.ordinal) }
    }
}

#[cfg(test)]
mod tests;
