//! Trace ids, and the request id that joins a response with its span, its scores and later feedback.

mod request_id;

pub use request_id::{RequestId, RequestIdError, SigningKey};

/// The trace of an exchange, and the exchange's span in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The W3C trace id, never all zero.
    pub trace: [u8; 16],
    /// The W3C span id of the exchange, never all zero.
    pub span: [u8; 8],
    /// The span that sent the request; `None` if no valid `traceparent` names one.
    pub parent: Option<[u8; 8]>,
}

impl Ids {
    /// Returns ids in the trace of `traceparent`, else in that of an `x-request-id` which is a UUID, else in a new one
    /// from `random`.
    pub fn new(traceparent: Option<&[u8]>, request_id: Option<&[u8]>, random: [u8; 24]) -> Self {
        let (fresh, span) = random.split_first_chunk::<16>().unwrap_or((&[1; 16], &[]));
        let span = span.first_chunk::<8>().copied().unwrap_or([1; 8]);
        let (parent_trace, parent) = traceparent.and_then(parse_traceparent).unzip();
        let trace = parent_trace.or_else(|| request_id.and_then(parse_uuid)).unwrap_or(*fresh);
        Self { trace: nonzero(trace), span: nonzero(span), parent }
    }
}

/// Returns the trace and the span of a `traceparent`; `None` if it is invalid, since W3C Trace Context requires it to
/// be ignored then. Versions after 00 may have further fields.
fn parse_traceparent(header: &[u8]) -> Option<([u8; 16], [u8; 8])> {
    let mut fields = header.split(|byte| *byte == b'-');
    let [version, trace, parent, flags] = [fields.next()?, fields.next()?, fields.next()?, fields.next()?];
    let is_hex = |field: &[u8], length: usize| {
        field.len() == length && field.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_valid = is_hex(version, 2)
        && version != b"ff"
        && is_hex(trace, 32)
        && is_hex(parent, 16)
        && parent.iter().any(|digit| *digit != b'0')
        && is_hex(flags, 2)
        && (version != b"00" || fields.next().is_none());
    let trace = parse_hex(trace).filter(|trace| is_valid && *trace != [0; 16])?;
    Some((trace, parse_hex(parent)?))
}

fn parse_uuid(header: &[u8]) -> Option<[u8; 16]> {
    let is_uuid = header.len() == 36 && [8, 13, 18, 23].iter().all(|place| header.get(*place) == Some(&b'-'));
    if !is_uuid {
        return None;
    }
    let digits: Vec<u8> = header.iter().copied().filter(|byte| *byte != b'-').collect();
    parse_hex(&digits).filter(|trace| *trace != [0; 16])
}

/// Appends bytes as hexadecimal digits. Four bytes are converted at a time, since every exchange needs it.
pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    let (fours, rest) = bytes.as_chunks::<4>();
    for four in fours {
        let digits = hex_digits(u32::from_be_bytes(*four)).to_be_bytes();
        text.push_str(core::str::from_utf8(&digits).unwrap_or_default());
    }
    for byte in rest {
        let [.., high, low] = hex_digits(u32::from(*byte)).to_be_bytes();
        text.extend([char::from(high), char::from(low)]);
    }
}

/// Returns the eight hexadecimal digits of a number as ASCII, the most significant first.
///
/// The half bytes are spread over the bytes of a word. Adding 6 sets bit 4 in those of ten or more, which then get the
/// distance between `9` and `a`.
fn hex_digits(number: u32) -> u64 {
    let mut halves = u64::from(number);
    halves = (halves | halves << 16) & 0x0000_FFFF_0000_FFFF;
    halves = (halves | halves << 8) & 0x00FF_00FF_00FF_00FF;
    halves = (halves | halves << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    // Each byte is 1 if its half byte is ten or more and becomes a letter.
    let letters = halves.wrapping_add(0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    let letters = letters.wrapping_mul((b'a' - b'0' - 10).into());
    halves.wrapping_add(0x3030_3030_3030_3030).wrapping_add(letters)
}

pub(crate) fn parse_hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = hex_value(*high)? << 4 | hex_value(*low)?;
    }
    Some(bytes)
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit & 0xF),
        // The low bits of `a` and `A` are those of 1.
        b'a'..=b'f' | b'A'..=b'F' => Some((digit & 0xF).saturating_add(9)),
        _ => None,
    }
}

fn nonzero<const N: usize>(id: [u8; N]) -> [u8; N] {
    if id == [0; N] { [1; N] } else { id }
}

#[cfg(test)]
mod tests;
