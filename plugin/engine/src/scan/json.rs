//! Reads a JSON document as its bytes arrive.
//!
//! The scanner walks every byte once. It keeps a stack of open containers and the one string or number it is in, but no
//! tree and no copy of unwanted values.
//!
//! It is strict about structure and lenient inside strings: raw control characters and unknown escapes pass. The
//! traffic is meant for the client, and a meter that refuses what clients accept would count nothing. A run of digits,
//! points, signs and `e` always passes as a number, but is reported as empty if it is none.

use super::number::{as_written, split_number};
use super::text::{FlowSink, NullSink, StringReader, StringStart};
use super::{At, NodeId, Paths, Scalar, Sink};
use crate::limits::{DEPTH_MAX, KEY_BYTES_MAX, NUMBER_BYTES_MAX};

/// The reason why a document cannot be read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// The bytes are not JSON.
    Malformed,
    /// Containers are nested deeper than [`DEPTH_MAX`].
    TooDeep,
}

/// The state of a document when its bytes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentEnd {
    /// There was nothing but white space.
    Empty,
    /// The document is complete.
    Complete,
    /// The document is cut off.
    Incomplete,
}

/// The scanner of one document at a time.
#[derive(Debug)]
pub struct Json {
    state: State,
    /// The open containers, outermost first; at most [`DEPTH_MAX`].
    stack: Vec<Level>,
    /// The place of the value being read; `None` if no path leads to or through it.
    target: Option<NodeId>,
    text: StringReader,
    number: Vec<u8>,
    literal: Literal,
}

/// `true`, `false` or `null` while it is read: the missing letters and the value.
#[derive(Clone, Copy, Debug)]
struct Literal {
    left: &'static [u8],
    value: Scalar<'static>,
}

#[derive(Debug)]
struct Level {
    node: Option<NodeId>,
    is_array: bool,
    /// The index of the element being read.
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
            text: StringReader::default(),
            number: Vec::new(),
            literal: Literal { left: b"", value: Scalar::Null },
        }
    }
}

impl Json {
    /// Forgets the document being read and expects the next one.
    pub fn reset(&mut self) {
        self.state = State::Start;
        self.stack.clear();
        self.target = Some(Paths::ROOT);
    }

    /// Whether anything but white space of the document has been read.
    pub fn has_begun(&self) -> bool {
        self.state != State::Start
    }

    /// Whether the document is complete; further bytes belong to the next one.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads the next bytes and returns those after the end of the document; empty while it continues.
    pub fn feed<'b, S: Sink>(
        &mut self,
        bytes: &'b [u8],
        paths: &Paths,
        sink: &mut S,
    ) -> Result<&'b [u8], JsonError> {
        let mut rest = bytes;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = match self.state {
                State::Done => return Ok(rest),
                State::InText => self.read_text(rest, paths, sink),
                State::InKey => self.read_key(rest, paths),
                State::InNumber => self.read_number(rest, paths, sink),
                State::InLiteral => self.read_literal(byte, tail, paths, sink)?,
                _ if matches!(byte, b' ' | b'\n' | b'\r' | b'\t') => tail,
                State::Key | State::KeyOrEnd if byte == b'"' => self.begin_key(tail, paths),
                State::Start | State::Value | State::ValueOrEnd if byte == b'"' => {
                    self.begin_text(tail, paths, sink)
                }
                _ => {
                    self.read_structure(byte, paths, sink)?;
                    tail
                }
            };
        }
        Ok(rest)
    }

    /// Ends the document. Only this ends a number that is in no container.
    pub fn finish<S: Sink>(&mut self, paths: &Paths, sink: &mut S) -> DocumentEnd {
        if self.state == State::InNumber && self.stack.is_empty() {
            self.end_number(paths, sink);
        }
        match self.state {
            State::Start => DocumentEnd::Empty,
            State::Done => DocumentEnd::Complete,
            _ => DocumentEnd::Incomplete,
        }
    }

    fn read_structure<S: Sink>(&mut self, byte: u8, paths: &Paths, sink: &mut S) -> Result<(), JsonError> {
        match (self.state, byte) {
            (State::ValueOrEnd, b']') | (State::KeyOrEnd, b'}') => self.close(),
            (State::CommaOrEnd, b',') => {
                self.read_comma(paths);
                Ok(())
            }
            (State::CommaOrEnd, b']') if self.in_array() => self.close(),
            (State::CommaOrEnd, b'}') if !self.in_array() => self.close(),
            (State::Colon, b':') => {
                self.state = State::Value;
                Ok(())
            }
            (State::Start | State::Value | State::ValueOrEnd, _) => self.begin_value(byte, paths, sink),
            _ => Err(JsonError::Malformed),
        }
    }

    fn begin_value<S: Sink>(&mut self, byte: u8, paths: &Paths, sink: &mut S) -> Result<(), JsonError> {
        match byte {
            b'{' => self.open(false, paths, sink)?,
            b'[' => self.open(true, paths, sink)?,
            b'-' | b'0'..=b'9' => {
                self.number.clear();
                self.number.push(byte);
                self.state = State::InNumber;
            }
            b't' => self.begin_literal(b"rue", Scalar::Bool(true)),
            b'f' => self.begin_literal(b"alse", Scalar::Bool(false)),
            b'n' => self.begin_literal(b"ull", Scalar::Null),
            _ => return Err(JsonError::Malformed),
        }
        Ok(())
    }

    fn open<S: Sink>(&mut self, is_array: bool, paths: &Paths, sink: &mut S) -> Result<(), JsonError> {
        if self.stack.len() >= usize::try_from(DEPTH_MAX).unwrap_or(usize::MAX) {
            return Err(JsonError::TooDeep);
        }
        let node = self.target;
        if let Some(wanted) = self.wanted_node(paths) {
            sink.open(wanted, self.position());
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

    fn close(&mut self) -> Result<(), JsonError> {
        self.stack.pop().ok_or(JsonError::Malformed)?;
        self.end_value();
        Ok(())
    }

    fn read_comma(&mut self, paths: &Paths) {
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

    fn begin_key<'b>(&mut self, bytes: &'b [u8], paths: &Paths) -> &'b [u8] {
        let parent = self.stack.last().and_then(|level| level.node);
        match self.text.start(KEY_BYTES_MAX, bytes, NullSink) {
            StringStart::Whole(key, rest) => {
                self.target = parent.and_then(|parent| paths.key(parent, key));
                self.state = State::Colon;
                rest
            }
            StringStart::Ended(rest) => {
                self.end_key(paths);
                rest
            }
            StringStart::Open => {
                self.state = State::InKey;
                b""
            }
        }
    }

    fn read_key<'b>(&mut self, bytes: &'b [u8], paths: &Paths) -> &'b [u8] {
        let Some(rest) = self.text.feed(bytes, NullSink) else {
            return b"";
        };
        self.end_key(paths);
        rest
    }

    fn end_key(&mut self, paths: &Paths) {
        let parent = self.stack.last().and_then(|level| level.node);
        self.target =
            parent.filter(|_| !self.text.is_cut()).and_then(|parent| paths.key(parent, self.text.kept()));
        self.state = State::Colon;
    }

    fn begin_text<'b, S: Sink>(&mut self, bytes: &'b [u8], paths: &Paths, sink: &mut S) -> &'b [u8] {
        let keep_max = self.target.and_then(|node| paths.wanted(node)).unwrap_or(0);
        let flow = self.flow_place(paths);
        let begun = match flow {
            None => self.text.start(keep_max, bytes, NullSink),
            Some((node, at)) => self.text.start(keep_max, bytes, FlowSink { sink, node, at }),
        };
        match begun {
            StringStart::Whole(text, rest) => {
                if let Some((node, at)) = flow {
                    sink.flow(node, at, text);
                }
                let start = text.get(..keep_max).unwrap_or(text);
                self.report(Scalar::Text { start, empty: text.is_empty() }, paths, sink);
                self.end_value();
                rest
            }
            StringStart::Ended(rest) => {
                self.end_text(paths, sink);
                rest
            }
            StringStart::Open => {
                self.state = State::InText;
                b""
            }
        }
    }

    fn read_text<'b, S: Sink>(&mut self, bytes: &'b [u8], paths: &Paths, sink: &mut S) -> &'b [u8] {
        let rest = match self.flow_place(paths) {
            None => self.text.feed(bytes, NullSink),
            Some((node, at)) => self.text.feed(bytes, FlowSink { sink, node, at }),
        };
        let Some(rest) = rest else {
            return b"";
        };
        self.end_text(paths, sink);
        rest
    }

    fn end_text<S: Sink>(&mut self, paths: &Paths, sink: &mut S) {
        let value = Scalar::Text { start: self.text.kept(), empty: self.text.is_empty() };
        self.report(value, paths, sink);
        self.end_value();
    }

    fn read_number<'b, S: Sink>(&mut self, bytes: &'b [u8], paths: &Paths, sink: &mut S) -> &'b [u8] {
        let rest = match self.wanted_node(paths) {
            Some(_) => {
                let (digits, rest) = split_number(bytes);
                // One byte more than the limit shows that the number is no count.
                let room = NUMBER_BYTES_MAX.saturating_add(1).saturating_sub(self.number.len());
                self.number.extend_from_slice(digits.get(..room).unwrap_or(digits));
                rest
            }
            None => self.skip_numbers(bytes),
        };
        if !rest.is_empty() {
            self.end_number(paths, sink);
        }
        rest
    }

    /// Skips an unwanted number and, in an array, those after it. Vectors are the longest bodies there are, and no path
    /// needs the indices of their elements.
    fn skip_numbers<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let (_, mut rest) = split_number(bytes);
        if self.in_array() && self.target.is_none() {
            while let [b',', after @ ..] = rest
                && let [b'-' | b'0'..=b'9', ..] = after
            {
                (_, rest) = split_number(after);
            }
        }
        rest
    }

    fn end_number<S: Sink>(&mut self, paths: &Paths, sink: &mut S) {
        // Most numbers (vectors, probabilities) are unwanted, so their digits are not checked.
        if let Some(node) = self.wanted_node(paths) {
            sink.scalar(node, self.position(), Scalar::Number(as_written(&self.number)));
        }
        self.end_value();
    }

    fn begin_literal(&mut self, left: &'static [u8], value: Scalar<'static>) {
        (self.literal, self.state) = (Literal { left, value }, State::InLiteral);
    }

    fn read_literal<'b, S: Sink>(
        &mut self,
        byte: u8,
        tail: &'b [u8],
        paths: &Paths,
        sink: &mut S,
    ) -> Result<&'b [u8], JsonError> {
        match self.literal.left.split_first() {
            Some((&expected, left)) if byte == expected => self.literal.left = left,
            _ => return Err(JsonError::Malformed),
        }
        if self.literal.left.is_empty() {
            self.report(self.literal.value, paths, sink);
            self.end_value();
        }
        Ok(tail)
    }

    fn report<S: Sink>(&self, value: Scalar<'_>, paths: &Paths, sink: &mut S) {
        if let Some(node) = self.wanted_node(paths) {
            sink.scalar(node, self.position(), value);
        }
    }

    fn wanted_node(&self, paths: &Paths) -> Option<NodeId> {
        self.target.filter(|node| paths.wanted(*node).is_some())
    }

    /// Returns the place of the string being read; `None` unless all of its text is wanted.
    fn flow_place(&self, paths: &Paths) -> Option<(NodeId, At)> {
        let node = self.target.filter(|node| paths.flows(*node))?;
        Some((node, self.position()))
    }

    fn end_value(&mut self) {
        self.state = if self.stack.is_empty() { State::Done } else { State::CommaOrEnd };
    }

    fn in_array(&self) -> bool {
        self.stack.last().is_some_and(|level| level.is_array)
    }

    fn position(&self) -> At {
        let mut arrays = self.stack.iter().filter(|level| level.is_array);
        let outer = arrays.next().map_or(0, |level| level.ordinal);
        At { outer, inner: arrays.next_back().map_or(outer, |level| level.ordinal) }
    }
}

#[cfg(test)]
mod tests;
