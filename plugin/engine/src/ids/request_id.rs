//! The request id, which a client receives as `x-llm-request-id` and sends back with feedback.
//!
//! ```text
//! 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-692951f3-6770742d346f-5d41402abc4b2a76b9719d911017c592
//! trace                            span            version time     model        signature
//! ```
//!
//! It holds all that feedback needs to know about its exchange, so that no proxy keeps a table. It is hexadecimal, so
//! that the trace is at its front as tracing tools show it, any header, URL or log can hold it, and each id has one
//! spelling. Base64 would be a fifth shorter, but is slower to encode and has no such front.

use core::hint::black_box;

use hmac_sha256::HMAC;

use super::{Ids, push_hex};
use crate::limits::LABEL_BYTES_MAX;

/// The version of the form above.
const VERSION: u8 = 1;

/// The length of the signature in bytes: half of the hash, so that a forger has to guess 128 bits.
const SIGNATURE_BYTES: usize = 16;

/// A parsed request id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    /// The exchange's trace and span.
    pub ids: Ids,
    /// The time at which the id was sent to a client, in seconds since 1970; 0 if no client received it.
    pub issued_s: u32,
    /// The requested model, as its label value; empty if the model was unknown.
    pub model: String,
}

/// The reason why an id is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestIdError {
    /// The text is not a request id.
    Form,
    /// The id is not signed by any of the keys.
    Signature,
}

/// A secret key that signs request ids.
#[derive(Clone)]
pub struct SigningKey(HMAC);

/// Does not show the secret.
impl core::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Returns the key for a secret of any length.
    pub fn new(secret: &[u8]) -> Self {
        Self(HMAC::new(secret))
    }

    /// Returns the signature of an id. Only the last of the signed fields has a variable length, so that no two ids are
    /// signed over the same bytes.
    fn sign(&self, ids: &Ids, issued_s: u32, model: &str) -> [u8; SIGNATURE_BYTES] {
        let mut mac = self.0.clone();
        mac.update([VERSION]);
        mac.update(ids.trace);
        mac.update(ids.span);
        mac.update(issued_s.to_be_bytes());
        mac.update(model);
        mac.finalize().first_chunk().copied().unwrap_or_default()
    }

    /// Returns the signature of the mark of a call at this time. An id is signed over other bytes.
    pub(crate) fn sign_mark(&self, unix_s: u32) -> [u8; SIGNATURE_BYTES] {
        let mut mac = self.0.clone();
        mac.update(b"callout");
        mac.update(unix_s.to_be_bytes());
        mac.finalize().first_chunk().copied().unwrap_or_default()
    }

    /// Returns whether this key made the signature of a mark.
    pub(crate) fn has_signed_mark(&self, unix_s: u32, signature: &[u8; SIGNATURE_BYTES]) -> bool {
        is_equal(signature, &self.sign_mark(unix_s))
    }
}

impl Ids {
    /// Returns the value of `x-llm-request-id`, signed if there is a key.
    pub fn request_id(&self, issued_s: u32, model: &str, key: Option<&SigningKey>) -> String {
        let model = model.get(..model.floor_char_boundary(LABEL_BYTES_MAX)).unwrap_or_default();
        let mut id = String::with_capacity(96_usize.saturating_add(model.len().saturating_mul(2)));
        push_hex(&mut id, &self.trace);
        id.push('-');
        push_hex(&mut id, &self.span);
        id.push('-');
        push_hex(&mut id, &[VERSION]);
        id.push('-');
        push_hex(&mut id, &issued_s.to_be_bytes());
        id.push('-');
        push_hex(&mut id, model.as_bytes());
        if let Some(key) = key {
            id.push('-');
            push_hex(&mut id, &key.sign(self, issued_s, model));
        }
        id
    }
}

impl RequestId {
    /// Parses an id. If there are keys, one of them must have signed it; otherwise a signature is ignored.
    ///
    /// # Errors
    ///
    /// Returns whether the form or the signature is wrong.
    pub fn read(text: &str, keys: &[SigningKey]) -> Result<Self, RequestIdError> {
        let (id, signature) = parse(text).ok_or(RequestIdError::Form)?;
        let is_signed = |key: &SigningKey| {
            let expected = key.sign(&id.ids, id.issued_s, &id.model);
            signature.is_some_and(|signature| is_equal(&signature, &expected))
        };
        if keys.is_empty() || keys.iter().any(is_signed) { Ok(id) } else { Err(RequestIdError::Signature) }
    }
}

/// Returns whether two signatures are equal, in constant time: an early return would let an attacker find the signature
/// byte by byte.
fn is_equal(one: &[u8; SIGNATURE_BYTES], other: &[u8; SIGNATURE_BYTES]) -> bool {
    let differences = one.iter().zip(other).fold(0, |found, (one, other)| black_box(found | (one ^ other)));
    differences == 0
}

fn parse(text: &str) -> Option<(RequestId, Option<[u8; SIGNATURE_BYTES]>)> {
    let mut parts = text.split('-');
    let trace = parse_bytes(parts.next()?).filter(|trace| *trace != [0; 16])?;
    let span = parse_bytes(parts.next()?).filter(|span| *span != [0; 8])?;
    if parse_bytes(parts.next()?)? != [VERSION] {
        return None;
    }
    let issued_s = u32::from_be_bytes(parse_bytes(parts.next()?)?);
    let model = parse_text(parts.next()?)?;
    let signature = match parts.next() {
        None => None,
        Some(signature) => Some(parse_bytes(signature)?),
    };
    let id = RequestId { ids: Ids { trace, span, parent: None }, issued_s, model };
    parts.next().is_none().then_some((id, signature))
}

fn parse_text(digits: &str) -> Option<String> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > LABEL_BYTES_MAX {
        return None;
    }
    String::from_utf8(pairs.iter().map(parse_byte).collect::<Option<_>>()?).ok()
}

fn parse_bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != N {
        return None;
    }
    let mut bytes = [0; N];
    for (place, pair) in bytes.iter_mut().zip(pairs) {
        *place = parse_byte(pair)?;
    }
    Some(bytes)
}

/// Parses two digits, in lower case only, so that each id has one spelling.
fn parse_byte(pair: &[u8; 2]) -> Option<u8> {
    let half = |digit: u8| if digit.is_ascii_uppercase() { None } else { super::hex_value(digit) };
    let [high, low] = *pair;
    Some(half(high)? << 4 | half(low)?)
}

#[cfg(test)]
mod tests;
