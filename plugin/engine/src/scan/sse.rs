//! Reads server-sent events that may be cut at any byte.
//!
//! The grammar is that of the HTML standard (section 9.2.6). Lines end in LF, CR or CRLF; a line that begins with a
//! colon is a comment; one space after a field's colon is dropped. The `data` lines of one event are joined by LF, and
//! an empty line ends the event. The data is sent to the sink as it arrives: no line and no event is held.
//! [`Body`](super::Body) drops a byte-order mark before the first line.

/// Receives the data of events.
pub trait SseSink {
    /// Reports bytes of the current event's data, including the LF between its lines.
    fn data(&mut self, bytes: &[u8]);
    /// Reports that an empty line has ended the event with the data since the last call.
    fn dispatch(&mut self);
}

/// The length of the longest known field name.
const FIELD_BYTES_MAX: usize = 4;

/// The reader of one event stream.
#[derive(Debug, Default)]
pub struct Sse {
    line: Line,
    /// The first bytes of the line's field name.
    field: [u8; FIELD_BYTES_MAX],
    field_len: usize,
    /// Whether the last line ended in CR, so that an LF after it belongs to it.
    after_cr: bool,
    /// Whether the current event has a data line.
    has_data: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    /// Reading the field name, which has no bytes yet if `field_len` is 0.
    #[default]
    Field,
    /// Directly after the colon of a data field.
    Colon,
    Data,
    /// A comment or an unknown field.
    Skipped,
}

impl Sse {
    /// Whether the current event has a data line that no empty line has ended.
    pub fn is_inside_event(&self) -> bool {
        self.has_data
    }

    /// Reads the next bytes.
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
                        self.begin_data(sink);
                        self.line = Line::Data;
                        data
                    }
                    None => {
                        self.read_field(byte, sink);
                        tail
                    }
                },
                Line::Colon => {
                    self.line = Line::Data;
                    if byte == b' ' { tail } else { rest }
                }
                Line::Data | Line::Skipped => self.read_rest_of_line(rest, sink),
            };
        }
    }

    fn read_field<S: SseSink>(&mut self, byte: u8, sink: &mut S) {
        match byte {
            b'\n' | b'\r' => {
                if self.field_len == 0 {
                    if core::mem::take(&mut self.has_data) {
                        sink.dispatch();
                    }
                } else if self.field_is_data() {
                    self.begin_data(sink); // a line `data` without a colon has empty data
                }
                self.end_line(byte);
            }
            b':' if self.field_is_data() => {
                self.begin_data(sink);
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

    fn begin_data<S: SseSink>(&mut self, sink: &mut S) {
        if core::mem::replace(&mut self.has_data, true) {
            sink.data(b"\n");
        }
    }

    fn read_rest_of_line<'b, S: SseSink>(&mut self, bytes: &'b [u8], sink: &mut S) -> &'b [u8] {
        let end = memchr::memchr2(b'\n', b'\r', bytes);
        let (line, rest) = bytes.split_at_checked(end.unwrap_or(bytes.len())).unwrap_or((bytes, b""));
        if self.line == Line::Data && !line.is_empty() {
            sink.data(line);
        }
        match rest.split_first() {
            Some((&mark, tail)) => {
                self.end_line(mark);
                tail
            }
            None => rest,
        }
    }

    fn end_line(&mut self, mark: u8) {
        self.after_cr = mark == b'\r';
        self.line = Line::Field;
        self.field_len = 0;
    }
}

#[cfg(test)]
mod tests;
