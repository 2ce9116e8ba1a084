//! The naive twin of the frame reader: it takes frames from the front of all the bytes. It does not use the engine, so
//! that the fuzz targets can use it too.

/// A frame, as far as it has been received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    pub event: Vec<u8>,
    pub exception: Vec<u8>,
    /// The payload size according to the prelude.
    pub payload_bytes: u64,
    pub payload: Vec<u8>,
    pub sound: bool,
}

/// The bytes after the last complete frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    Nothing,
    /// The beginning of a frame whose headers are incomplete.
    Start,
    /// A frame that is cut off in its payload or checksum.
    Open(Frame),
    /// A wrong prelude.
    Lost,
}

/// Returns all complete frames, and the rest.
pub fn frames(bytes: &[u8], header_max: usize) -> (Vec<Frame>, Rest) {
    let mut whole = Vec::new();
    let mut rest = bytes;
    loop {
        if rest.is_empty() {
            return (whole, Rest::Nothing);
        }
        let (Some(total), Some(headers), Some(crc)) = (word(rest, 0), word(rest, 4), word(rest, 8)) else {
            return (whole, Rest::Start);
        };
        if crc != crc32(&rest[..8]) || u64::from(total) < u64::from(headers) + 16 {
            return (whole, Rest::Lost);
        }
        let payload_at = 12 + headers as usize;
        if rest.len() < payload_at {
            return (whole, Rest::Start);
        }
        let payload_bytes = total as usize - headers as usize - 16;
        let payload_end = rest.len().min(payload_at + payload_bytes);
        let kept = &rest[12..payload_at.min(12 + header_max)];
        let [event, exception] = kind(kept);
        let mut frame = Frame {
            event,
            exception,
            payload_bytes: payload_bytes as u64,
            payload: rest[payload_at..payload_end].to_vec(),
            sound: false,
        };
        if rest.len() < total as usize {
            return (whole, Rest::Open(frame));
        }
        frame.sound = word(rest, payload_end) == Some(crc32(&rest[..payload_end]));
        whole.push(frame);
        rest = &rest[total as usize..];
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)))
}

/// Computes the CRC-32 of RFC 1952 bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    let crc = bytes.iter().fold(!0, |crc: u32, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)));
    !crc
}

/// Returns the values of `:event-type`, and of `:exception-type` or `:error-code`. The last of each counts; a value
/// that is no string is empty.
fn kind(headers: &[u8]) -> [Vec<u8>; 2] {
    let mut kind = [Vec::new(), Vec::new()];
    let mut rest = headers;
    while let Some((name, value, after)) = header(rest) {
        match name {
            b":event-type" => kind[0] = value.to_vec(),
            b":exception-type" | b":error-code" => kind[1] = value.to_vec(),
            _ => {}
        }
        rest = after;
    }
    kind
}

fn header(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let value_type_at = 1 + usize::from(*bytes.first()?);
    let name = bytes.get(1..value_type_at)?;
    let value_at = value_type_at + 1;
    let sizes = [Some(0), Some(0), Some(1), Some(2), Some(4), Some(8), None, None, Some(8), Some(16)];
    let (value, end) = match sizes.get(usize::from(*bytes.get(value_type_at)?))? {
        Some(size) => (&bytes[..0], value_at + size),
        None => {
            let length = bytes.get(value_at..value_at + 2)?;
            let end = value_at + 2 + 256 * usize::from(length[0]) + usize::from(length[1]);
            (bytes.get(value_at + 2..end)?, end)
        }
    };
    Some((name, value, bytes.get(end..)?))
}
