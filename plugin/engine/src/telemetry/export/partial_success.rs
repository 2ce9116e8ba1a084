//! Reads the partial success of a receiver's response: the number of items that it rejected from an accepted request.

use crate::json::JsonValue;
use crate::limits::TELEMETRY_REPLY_BYTES_MAX;

/// Returns the number of rejected items. Some receivers respond in JSON whatever the encoding of the request. A body
/// in neither encoding counts as 0.
pub(super) fn rejected(body: &[u8]) -> u64 {
    if body.len() > TELEMETRY_REPLY_BYTES_MAX {
        return 0;
    }
    let found =
        if body.trim_ascii().starts_with(b"{") { rejected_in_json(body) } else { rejected_in_protobuf(body) };
    found.unwrap_or(0)
}

fn rejected_in_json(body: &[u8]) -> Option<u64> {
    let answer = JsonValue::parse(body)?;
    let partial = answer.get("partialSuccess")?;
    match partial.get("rejectedSpans").or(partial.get("rejectedLogRecords"))? {
        JsonValue::Whole(number) => Some(*number),
        JsonValue::Text(digits) => digits.parse().ok(),
        _ => None,
    }
}

/// Reads `partial_success = 1 { rejected_spans = 1 }`; log records have the same field numbers.
fn rejected_in_protobuf(body: &[u8]) -> Option<u64> {
    let Some(Field::Bytes(partial)) = field(body, 1) else {
        return None;
    };
    match field(partial, 1)? {
        Field::Number(number) => i64::try_from(number).ok().map(i64::unsigned_abs),
        Field::Bytes(_) => None,
    }
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Returns the first field with this number. `None` if there is none, or the message is malformed.
fn field(mut message: &[u8], wanted: u64) -> Option<Field<'_>> {
    loop {
        let (tag, rest) = varint(message)?;
        let (found, rest) = match tag & 7 {
            0 => {
                let (number, rest) = varint(rest)?;
                (Some(Field::Number(number)), rest)
            }
            1 => (None, rest.get(8..)?),
            2 => {
                let (bytes, rest) = varint(rest)?;
                let (inside, rest) = rest.split_at_checked(usize::try_from(bytes).ok()?)?;
                (Some(Field::Bytes(inside)), rest)
            }
            5 => (None, rest.get(4..)?),
            _ => return None,
        };
        if let Some(found) = found.filter(|_| tag >> 3 == wanted) {
            return Some(found);
        }
        message = rest;
    }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        let shift = u32::try_from(place).ok()?.saturating_mul(7);
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(place.saturating_add(1)..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests;
