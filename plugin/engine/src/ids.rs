//! Trace ids, and the request id that joins a response with its span, its scores and later feedback.

mod request_id;

pub use request_id::{RequestId, RequestIdError, SigningKey};

/// A trace and this exchange's span in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// W3C trace id, never all zero.
    pub trace: [u8; 16],
    /// W3C span id of the exchange, never all zero.
    pub span: [u8; 8],
    /// The span that asked for the exchange, where `traceparent` names one.
    pub parent: Option<[u8; 8]>,
}

impl Ids {
    /// The trace of `traceparent`, else of an `x-request-id` that is a UUID, else a new one from `random`.
    pub fn new(traceparent: Option<&[u8]>, request_id: Option<&[u8]>, random: [u8; 24]) -> Self {
        let (fresh, span) = random.split_first_chunk::<16>().unwrap_or((&[1; 16], &[]));
        let span = span.first_chunk::<8>().copied().unwrap_or([1; 8]);
        let (of_parent, parent) = traceparent.and_then(traceparent_of).unzip();
        let trace = of_parent.or_else(|| request_id.and_then(trace_of_uuid)).unwrap_or(*fresh);
        Self { trace: nonzero(trace), span: nonzero(span), parent }
    }
}

/// The trace and the span of W3C trace context: a header with any fault in it is to be ignored. Versions after 00 may
/// have further fields.
fn traceparent_of(header: &[u8]) -> Option<([u8; 16], [u8; 8])> {
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
    let trace = hex(trace).filter(|trace| is_valid && *trace != [0; 16])?;
    Some((trace, hex(parent)?))
}

fn trace_of_uuid(header: &[u8]) -> Option<[u8; 16]> {
    let is_uuid = header.len() == 36 && [8, 13, 18, 23].iter().all(|place| header.get(*place) == Some(&b'-'));
    if !is_uuid {
        return None;
    }
    let digits: Vec<u8> = header.iter().copied().filter(|byte| *byte != b'-').collect();
    hex(&digits).filter(|trace| *trace != [0; 16])
}

/// Four bytes at a time: every exchange pays it.
pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    let (fours, rest) = bytes.as_chunks::<4>();
    for four in fours {
        let digits = digits_of(u32::from_be_bytes(*four)).to_be_bytes();
        text.push_str(core::str::from_utf8(&digits).unwrap_or_default());
    }
    for byte in rest {
        let [.., high, low] = digits_of(u32::from(*byte)).to_be_bytes();
        text.extend([char::from(high), char::from(low)]);
    }
}

/// The digits of eight half bytes, in their order.
fn digits_of(number: u32) -> u64 {
    let mut halves = u64::from(number);
    halves = (halves | halves << 16) & 0x0000_FFFF_0000_FFFF;
    halves = (halves | halves << 8) & 0x00FF_00FF_00FF_00FF;
    halves = (halves | halves << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    // A 1 in each byte whose half is a letter, ten or more.
    let letters = halves.wrapping_add(0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    let letters = letters.wrapping_mul((b'a' - b'0' - 10).into());
    halves.wrapping_add(0x3030_3030_3030_3030).wrapping_add(letters)
}

fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = half(*high)? << 4 | half(*low)?;
    }
    Some(bytes)
}

fn half(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit & 0xF),
        // `a` and `A` end with the bits of 1.
        b'a'..=b'f' | b'A'..=b'F' => Some((digit & 0xF).saturating_add(9)),
        _ => None,
    }
}

fn nonzero<const N: usize>(id: [u8; N]) -> [u8; N] {
    if id == [0; N] { [1; N] } else { id }
}

#[cfg(test)]
mod tests;
