//! Server-sent events, cut at any byte.
//!
//! The grammar is the one of the HTML standard (section 9.2.6): lines end in LF, CR or CRLF; a line that begins
//! with a colon is a comment; one space after a field's colon is dropped; `data` lines of one event are joined by
//! LF; an empty line ends the event. The data goes to the sink as it comes: no line and no event is ever held.
//! A byte-order mark before the first line is [`Body`](super::Body)'s to drop.

/// Takes the data of events.
pub trait SseSink {
    /// Bytes of the current event's data; LF between its lines is among them.
    fn data(&mut self, bytes: &[u8]);
    /// An empty line: the event with the data since the last call is complete.
    fn dispatch(&mut self);
}

/// Longest field name that means anything here.
const FIELD_BYTES_MAX: usize = 4;

/// The framing of one event stream.
#[derive(Debug, Default)]
pub struct Sse {
    line: Line,
    /// First bytes of the line's field name, as far as they matter.
    field: [u8; FIELD_BYTES_MAX],
    field_len: usize,
    /// The last line ended in CR: an LF that follows belongs to it.
    after_cr: bool,
    /// The current event has had a data line.
    has_data: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    /// Reading the field name; nothing read yet if `field_len` is 0.
    #[default]
    Field,
    /// Just after the colon of a data field.
    Colon,
    Data,
    /// A comment or a field of no interest.
    Skipped,
}

impl Sse {
    /// Whether the current event has a data line that no empty line has ended yet.
    pub fn is_inside_event(&self) -> bool {
        self.has_data
    }

    /// Reads on.
    pub fn feed<S: SseSink>(&mut self, bytes: &[u8], sink: &mut S) {
        let mut rest = bytes;
        while let Some((&byte, tail)) = rest.split_first() {
            if core::mem::take(&mut self.after_cr) && byte == b'\n' {
                rest = tail;
                continue;
            }
            rest = match self.line {
                Line::Field => match rest.strip_prefix(b"data: ").filter(|_| self.field_len == 0) {
                    Some(data) => {
                        self.data_begins(sink);
                        self.line = Line::Data;
                        data
                    }
                    None => {
                        self.field(byte, sink);
                        tail
                    }
                },
                Line::Colon => {
                    self.line = Line::Data;
                    if byte == b' ' { tail } else { rest }
                }
                Line::Data | Line::Skipped => self.rest_of_line(rest, sink),
            };
        }
    }

    fn field<S: SseSink>(&mut self, byte: u8, sink: &mut S) {
        match byte {
            b'\n' | b'\r' => {
                if self.field_len == 0 {
                    if core::mem::take(&mut self.has_data) {
                        sink.dispatch();
                    }
                } else if self.field_is_data() {
                    self.data_begins(sink); // a line `data` without a colon has empty data
                }
                self.line_ends(byte);
            }
            b':' if self.field_is_data() => {
                self.data_begins(sink);
                self.line = Line::Colon;
            }
            b':' => self.line = Line::Skipped,
            _ => match self.field.get_mut(self.field_len) {
                Some(slot) => {
                    *slot = byte;
                    self.field_len = self.field_len.saturating_add(1);
                }
                None => self.line = Line::Skipped,
            },
        }
    }

    fn field_is_data(&self) -> bool {
        self.field_len == FIELD_BYTES_MAX && &self.field == b"data"
    }

    fn data_begins<S: SseSink>(&mut self, sink: &mut S) {
        if core::mem::replace(&mut self.has_data, true) {
            sink.data(b"\n");
        }
    }

    fn rest_of_line<'b, S: SseSink>(&mut self, bytes: &'b [u8], sink: &mut S) -> &'b [u8] {
        let end = memchr::memchr2(b'\n', b'\r', bytes);
        let (line, rest) = bytes.split_at_checked(end.unwrap_or(bytes.len())).unwrap_or((bytes, b""));
        if self.line == Line::Data && !line.is_empty() {
            sink.data(line);
        }
        match rest.split_first() {
            Some((&mark, tail)) => {
                self.line_ends(mark);
                tail
            }
            None => rest,
        }
    }

    fn line_ends(&mut self, mark: u8) {
        self.after_cr = mark == b'\r';
        self.line = Line::Field;
        self.field_len = 0;
    }
}

#[cfg(test)]
mod tests;
