//! AWS event stream frames, cut at any byte.
//!
//! A frame is a prelude (length of the frame, length of its headers, CRC-32 of these eight bytes), headers, a
//! payload and a CRC-32 of all before it; numbers are big endian
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html>, the encoding that Bedrock's
//! `application/vnd.amazon.eventstream` shares). The payload goes to the sink as it comes, before its CRC is
//! known: the sink must hold back what it makes of it until the frame's end says whether it was sound.

use crate::limits::FRAME_HEADER_BYTES_MAX;
use llm_gauge_decode::Crc32;

/// Takes frames.
pub(super) trait FrameSink {
    /// A frame begins, whose payload has so many bytes.
    fn begin(&mut self, kind: Kind<'_>, payload_bytes: u64);
    /// Bytes of its payload.
    fn payload(&mut self, bytes: &[u8]);
    /// It has ended.
    fn end(&mut self, sound: bool);
}

/// What the headers of a frame say of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kind<'a> {
    /// `:event-type`
    pub(super) event: &'a [u8],
    /// `:exception-type`, or the `:error-code` of an unmodeled error.
    pub(super) exception: &'a [u8],
}

const PRELUDE_BYTES: usize = 12;
const CRC_BYTES: u64 = 4;
/// Prelude and message CRC.
const OVERHEAD_BYTES: u64 = 16;

/// The framing of one body.
#[derive(Debug, Default)]
pub(super) struct Frames {
    state: State,
    /// The part being collected: the prelude, the headers or the message CRC.
    held: Vec<u8>,
    /// Bytes of the current part still to come, where it is not the prelude.
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
    /// The lengths cannot be trusted: where the next frame begins is unknown.
    Lost,
}

/// The lengths of a frame cannot be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LostTrack;

impl Frames {
    /// Whether a frame has begun and not ended.
    pub(super) fn is_inside(&self) -> bool {
        match self.state {
            State::Prelude => !self.held.is_empty(),
            State::Headers | State::Payload | State::Crc => true,
            State::Lost => false,
        }
    }

    /// Reads on. After an error nothing more is read.
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut impl FrameSink) -> Result<(), LostTrack> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.state {
                State::Prelude => self.prelude(rest)?,
                State::Headers => self.headers(rest, sink),
                State::Payload => self.payload(rest, sink),
                State::Crc => self.crc(rest, sink),
                State::Lost => return Ok(()),
            };
            // A part without bytes ends at once.
            if self.state == State::Headers && self.left == 0 {
                self.headers(b"", sink);
            }
            if self.state == State::Payload && self.left == 0 {
                self.to(State::Crc, CRC_BYTES);
            }
        }
        Ok(())
    }

    fn to(&mut self, state: State, left: u64) {
        self.state = state;
        self.left = left;
        self.held.clear();
    }

    /// Bytes of the current part, and what follows it.
    fn split<'b>(&mut self, bytes: &'b [u8]) -> (&'b [u8], &'b [u8]) {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX);
        let (part, rest) = bytes.split_at_checked(room).unwrap_or((bytes, b""));
        self.left = self.left.saturating_sub(u64::try_from(part.len()).unwrap_or(u64::MAX));
        (part, rest)
    }

    fn prelude<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], LostTrack> {
        let room = PRELUDE_BYTES.saturating_sub(self.held.len());
        let (part, rest) = bytes.split_at_checked(room).unwrap_or((bytes, b""));
        self.held.extend_from_slice(part);
        if self.held.len() < PRELUDE_BYTES {
            return Ok(rest);
        }
        let Some((headers, payload)) = lengths(&self.held) else {
            self.to(State::Lost, 0);
            return Err(LostTrack);
        };
        self.crc = Crc32::default();
        self.crc.update(&self.held);
        self.payload_bytes = payload;
        self.to(State::Headers, headers);
        Ok(rest)
    }

    fn headers<'b>(&mut self, bytes: &'b [u8], sink: &mut impl FrameSink) -> &'b [u8] {
        let (part, rest) = self.split(bytes);
        self.crc.update(part);
        let room = FRAME_HEADER_BYTES_MAX.saturating_sub(self.held.len());
        self.held.extend_from_slice(part.get(..room).unwrap_or(part));
        if self.left == 0 {
            sink.begin(kind(&self.held), self.payload_bytes);
            self.to(State::Payload, self.payload_bytes);
        }
        rest
    }

    fn payload<'b>(&mut self, bytes: &'b [u8], sink: &mut impl FrameSink) -> &'b [u8] {
        let (part, rest) = self.split(bytes);
        self.crc.update(part);
        sink.payload(part);
        rest
    }

    fn crc<'b>(&mut self, bytes: &'b [u8], sink: &mut impl FrameSink) -> &'b [u8] {
        let (part, rest) = self.split(bytes);
        self.held.extend_from_slice(part);
        if self.left == 0 {
            let computed = core::mem::take(&mut self.crc).value();
            sink.end(self.held == computed.to_be_bytes());
            self.to(State::Prelude, 0);
        }
        rest
    }
}

/// Bytes of headers and of payload, if the prelude is sound.
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

/// What headers say; what cannot be read of them says nothing.
fn kind(headers: &[u8]) -> Kind<'_> {
    let mut kind = Kind::default();
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

/// One header: its name, its bytes if it is a string or a blob, and what follows.
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
