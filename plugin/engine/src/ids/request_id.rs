//! The request id: what a client gets as `x-llm-request-id` and hands back with feedback.
//!
//! ```text
//! 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-692951f3-6770742d346f-5d41402abc4b2a76b9719d911017c592
//! trace                            span            version time     model        signature
//! ```
//!
//! It says all that feedback needs to know of its exchange, so that no proxy keeps a table. All of it is hexadecimal:
//! whoever looks for the trace finds it at the front, any header, URL or log takes it, and each id has one spelling.
//! Base64 would be a fifth shorter, and would have to be made a byte at a time.

use core::hint::black_box;

use hmac_sha256::HMAC;

use super::{Ids, push_hex};
use crate::limits::LABEL_BYTES_MAX;

/// The version of the form above.
const VERSION: u8 = 1;

/// Bytes of the signature: half of what the hash gives, which is what a forger has to guess.
const SIGNATURE_BYTES: usize = 16;

/// An id, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    /// The exchange's trace and span.
    pub ids: Ids,
    /// When a client got it, in seconds since 1970; 0: no client did.
    pub issued_s: u32,
    /// The model that was asked for, renamed and cut as label values are; empty where none was known.
    pub model: String,
}

/// Why an id is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestIdError {
    /// It is none.
    Form,
    /// It is not signed by any of the keys.
    Signature,
}

/// What ids are signed with.
#[derive(Clone)]
pub struct SigningKey(HMAC);

/// It is a secret.
impl core::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// The key of this secret, of any length.
    pub fn new(secret: &[u8]) -> Self {
        Self(HMAC::new(secret))
    }

    /// Over bytes of which only the last ones differ in length: no two ids have the same.
    fn sign(&self, ids: &Ids, issued_s: u32, model: &str) -> [u8; SIGNATURE_BYTES] {
        let mut mac = self.0.clone();
        mac.update([VERSION]);
        mac.update(ids.trace);
        mac.update(ids.span);
        mac.update(issued_s.to_be_bytes());
        mac.update(model);
        mac.finalize().first_chunk().copied().unwrap_or_default()
    }
}

impl Ids {
    /// What `x-llm-request-id` says; signed if there is a key.
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
    /// Reads an id. Where there are keys, one of them must have signed it; where there is none, a signature is nobody's
    /// matter.
    pub fn read(text: &str, keys: &[SigningKey]) -> Result<Self, RequestIdError> {
        let (id, signature) = parts(text).ok_or(RequestIdError::Form)?;
        let is_signed = |key: &SigningKey| {
            let right = key.sign(&id.ids, id.issued_s, &id.model);
            signature.is_some_and(|signature| is_same(&signature, &right))
        };
        if keys.is_empty() || keys.iter().any(is_signed) { Ok(id) } else { Err(RequestIdError::Signature) }
    }
}

/// In a time that does not tell how much of it is right: whoever could measure that would find it byte by byte.
fn is_same(one: &[u8; SIGNATURE_BYTES], other: &[u8; SIGNATURE_BYTES]) -> bool {
    let differences = one.iter().zip(other).fold(0, |found, (one, other)| black_box(found | (one ^ other)));
    differences == 0
}

fn parts(text: &str) -> Option<(RequestId, Option<[u8; SIGNATURE_BYTES]>)> {
    let mut parts = text.split('-');
    let trace = bytes(parts.next()?).filter(|trace| *trace != [0; 16])?;
    let span = bytes(parts.next()?).filter(|span| *span != [0; 8])?;
    if bytes(parts.next()?)? != [VERSION] {
        return None;
    }
    let issued_s = u32::from_be_bytes(bytes(parts.next()?)?);
    let model = text_of(parts.next()?)?;
    let signature = match parts.next() {
        None => None,
        Some(signature) => Some(bytes(signature)?),
    };
    let id = RequestId { ids: Ids { trace, span, parent: None }, issued_s, model };
    parts.next().is_none().then_some((id, signature))
}

fn text_of(digits: &str) -> Option<String> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > LABEL_BYTES_MAX {
        return None;
    }
    String::from_utf8(pairs.iter().map(byte).collect::<Option<_>>()?).ok()
}

fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != N {
        return None;
    }
    let mut bytes = [0; N];
    for (place, pair) in bytes.iter_mut().zip(pairs) {
        *place = byte(pair)?;
    }
    Some(bytes)
}

/// Digits in lower case only: an id has one spelling.
fn byte(pair: &[u8; 2]) -> Option<u8> {
    let half = |digit: u8| if digit.is_ascii_uppercase() { None } else { super::half(digit) };
    let [high, low] = *pair;
    Some(half(high)? << 4 | half(low)?)
}

#[cfg(test)]
mod tests;
