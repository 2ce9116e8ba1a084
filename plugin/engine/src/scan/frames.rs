//! Reads AWS event stream frames that may be cut at any byte.
//!
//! A frame consists of a prelude (length of the frame, length of its headers, CRC-32 of these eight bytes), headers, a
//! payload and a CRC-32 of all bytes before it. Numbers are big endian
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html>; Bedrock's
//! `application/vnd.amazon.eventstream` has the same encoding).
//!
//! The payload is sent to the sink as it arrives, before its CRC is known. The sink must hold back its results until
//! the frame's end reports whether the frame was sound.

use crate::limits::FRAME_HEADER_BYTES_MAX;
use llm_gauge_decode::Crc32;

/// Receives frames.
pub(super) trait FrameSink {
    /// Reports the beginning of a frame and the size of its payload.
    fn begin(&mut self, kind: FrameKind<'_>, payload_bytes: u64);
    /// Reports bytes of the frame's payload.
    fn payload(&mut self, bytes: &[u8]);
    /// Reports the end of the frame, and whether its checksum was correct.
    fn end(&mut self, sound: bool);
}

/// The headers of a frame that say what its payload is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FrameKind<'a> {
    /// The value of `:event-type`; empty if there is none.
    pub(super) event: &'a [u8],
    /// The value of `:exception-type`, or the `:error-code` of an unmodeled error; empty if there is none.
    pub(super) exception: &'a [u8],
}

const PRELUDE_BYTES: usize = 12;
const CRC_BYTES: u64 = 4;
/// The size of the prelude and of the message CRC.
const OVERHEAD_BYTES: u64 = 16;

/// The reader of the frames of one body.
#[derive(Debug, Default)]
pub(super) struct Frames {
    state: State,
    /// The collected bytes of the prelude, the headers or the message CRC.
    held: Vec<u8>,
    /// The number of bytes missing from the current section of the frame, unless that is the prelude.
    left: u64,
    payload_bytes: u64,
    crc: Crc32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Prelude,
    Headers,
    Payload,
    Crc,
    /// A prelude was wrong: the beginning of the next frame is unknown.
    Lost,
}

/// The error that a frame's prelude is wrong, so that its lengths cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameLengthError;

impl Frames {
    /// Whether a frame has begun and not ended.
    pub(super) fn is_inside(&self) -> bool {
        match self.state {
            State::Prelude => !self.held.is_empty(),
            State::Headers | State::Payload | State::Crc => true,
            State::Lost => false,
        }
    }

    /// Reads the next bytes. Nothing more is read after an error.
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut impl FrameSink) -> Result<(), FrameLengthError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.state {
                State::Prelude => self.read_prelude(rest)?,
                State::Headers => self.read_headers(rest, sink),
                State::Payload => self.read_payload(rest, sink),
                State::Crc => self.read_crc(rest, sink),
                State::Lost => return Ok(()),
            };
            // A section without bytes ends at once.
            if self.state == State::Headers && self.left == 0 {
                self.read_headers(b"", sink);
            }
            if self.state == State::Payload && self.left == 0 {
                self.enter(State::Crc, CRC_BYTES);
            }
        }
        Ok(())
    }

    fn enter(&mut self, state: State, left: u64) {
        self.state = state;
        self.left = left;
        self.held.clear();
    }

    /// Returns the bytes of the current section, and those after it.
    fn split_section<'b>(&mut self, bytes: &'b [u8]) -> (&'b [u8], &'b [u8]) {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX);
        let (part, rest) = bytes.split_at_checked(room).unwrap_or((bytes, b""));
        self.left = self.left.saturating_sub(u64::try_from(part.len()).unwrap_or(u64::MAX));
        (part, rest)
    }

    fn read_prelude<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], FrameLengthError> {
        let room = PRELUDE_BYTES.saturating_sub(self.held.len());
        let (part, rest) = bytes.split_at_checked(room).unwrap_or((bytes, b""));
        self.held.extend_from_slice(part);
        if self.held.len() < PRELUDE_BYTES {
            return Ok(rest);
        }
        let Some((headers, payload)) = lengths(&self.held) else {
            self.enter(State::Lost, 0);
            return Err(FrameLengthError);
        };
        self.crc = Crc32::default();
        self.crc.update(&self.held);
        self.payload_bytes = payload;
        self.enter(State::Headers, headers);
        Ok(rest)
    }

    fn read_headers<'b>(&mut self, bytes: &'b [u8], sink: &mut impl FrameSink) -> &'b [u8] {
        let (part, rest) = self.split_section(bytes);
        self.crc.update(part);
        let room = FRAME_HEADER_BYTES_MAX.saturating_sub(self.held.len());
        self.held.extend_from_slice(part.get(..room).unwrap_or(part));
        if self.left == 0 {
            sink.begin(kind(&self.held), self.payload_bytes);
            self.enter(State::Payload, self.payload_bytes);
        }
        rest
    }

    fn read_payload<'b>(&mut self, bytes: &'b [u8], sink: &mut impl FrameSink) -> &'b [u8] {
        let (part, rest) = self.split_section(bytes);
        self.crc.update(part);
        sink.payload(part);
        rest
    }

    fn read_crc<'b>(&mut self, bytes: &'b [u8], sink: &mut impl FrameSink) -> &'b [u8] {
        let (part, rest) = self.split_section(bytes);
        self.held.extend_from_slice(part);
        if self.left == 0 {
            let computed = core::mem::take(&mut self.crc).value();
            sink.end(self.held == computed.to_be_bytes());
            self.enter(State::Prelude, 0);
        }
        rest
    }
}

/// Returns the sizes of headers and payload; `None` if the prelude is wrong.
fn lengths(prelude: &[u8]) -> Option<(u64, u64)> {
    let (total, rest) = prelude.split_first_chunk::<4>()?;
    let (headers, rest) = rest.split_first_chunk::<4>()?;
    let crc = rest.first_chunk::<4>()?;
    let mut computed = Crc32::default();
    computed.update(prelude.get(..8)?);
    if computed.value() != u32::from_be_bytes(*crc) {
        return None;
    }
    let headers = u64::from(u32::from_be_bytes(*headers));
    let total = u64::from(u32::from_be_bytes(*total));
    let payload = total.checked_sub(OVERHEAD_BYTES)?.checked_sub(headers)?;
    Some((headers, payload))
}

/// Reads the headers up to the first that is malformed or cut off.
fn kind(headers: &[u8]) -> FrameKind<'_> {
    let mut kind = FrameKind::default();
    let mut rest = headers;
    while let Some((name, value, after)) = split_header(rest) {
        match name {
            b":event-type" => kind.event = value,
            b":exception-type" | b":error-code" => kind.exception = value,
            _ => {}
        }
        rest = after;
    }
    kind
}

/// Returns the first header's name, its value (empty unless it is a string or a blob), and the bytes after it; `None`
/// if it is malformed or cut off.
fn split_header(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (&name_bytes, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(name_bytes))?;
    let (&value_type, rest) = rest.split_first()?;
    let value_bytes = match value_type {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        9 => 16,
        6 | 7 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            return Some((name, value, rest));
        }
        _ => return None,
    };
    let (_, rest) = rest.split_at_checked(value_bytes)?;
    Some((name, b"", rest))
}

#[cfg(test)]
mod tests;
