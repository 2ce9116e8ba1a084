//! The bytes of a JSON number.

use crate::limits::NUMBER_BYTES_MAX;

/// Splits off the bytes of a number.
pub(super) fn split_number(bytes: &[u8]) -> (&[u8], &[u8]) {
    let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    let end = bytes.iter().position(|byte| !is_number(byte));
    bytes.split_at_checked(end.unwrap_or(bytes.len())).unwrap_or((bytes, b""))
}

/// Returns the digits if they are a JSON number within [`NUMBER_BYTES_MAX`], else an empty text.
pub(super) fn as_written(digits: &[u8]) -> &str {
    let text = core::str::from_utf8(digits).unwrap_or("");
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = [whole, fraction, exponent].into_iter().all(are_digits)
        && (whole == "0" || !whole.starts_with('0'))
        && text.len() <= NUMBER_BYTES_MAX;
    if is_number { text } else { "" }
}
