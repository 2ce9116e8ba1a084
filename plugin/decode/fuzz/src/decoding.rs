//! The parts that the checks of all encodings share.

use llm_gauge_decode::{Bounds, DecodeError, Decoder, MemoryBudget};

use crate::cuttings::cut;

/// The decoded content, and the result of decoding.
pub type Decoded = (Vec<u8>, Result<(), DecodeError>);

/// Decodes `body` whole and in pieces, and asserts that the results agree.
///
/// A body that decodes to far more than its own size is refused; in pieces, slightly earlier.
pub fn decode_any(encoding: &str, cuts: [u8; 2], body: &[u8]) -> Decoded {
    let whole = decode(encoding, [body]);
    for pieces in [decode(encoding, cut(body, &cuts)), decode(encoding, body.chunks(1))] {
        if pieces.1 == Err(DecodeError::Ratio) {
            assert!(whole.0.starts_with(&pieces.0));
        } else {
            assert!(pieces == whole, "{} {:?}, {} {:?}", pieces.0.len(), pieces.1, whole.0.len(), whole.1);
        }
    }
    whole
}

/// Asserts that the body decodes to the content, and that a body without its last byte is an error.
pub fn round_trip(encoding: &str, cuts: [u8; 2], content: &[u8], body: &[u8]) {
    let (decoded, end) = decode_any(encoding, cuts, body);
    if end == Err(DecodeError::Ratio) {
        return assert!(content.starts_with(&decoded));
    }
    assert_eq!(end, Ok(()));
    assert!(decoded == content);
    if let [cut @ .., _] = body {
        assert_eq!(decode(encoding, [cut]).1.is_ok(), cut.is_empty());
    }
}

fn decode<'a>(encoding: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
    let bounds = Bounds { budget: MemoryBudget::new(1 << 30), window_bytes_max: 1 << 24 };
    let mut decoder = Decoder::new(encoding.as_bytes(), bounds).expect("a known encoding");
    let mut decoded = Vec::new();
    for piece in pieces {
        let fed = decoder.feed(piece, &mut |bytes| decoded.extend_from_slice(bytes));
        if fed.is_err() {
            return (decoded, fed);
        }
    }
    (decoded, decoder.finish())
}

/// Asserts that a body decodes to `expected`, the content of the reference. That is `None` if the reference refuses the
/// body or is not built in.
pub fn assert_as_reference(decoded: &Decoded, expected: Option<Vec<u8>>) {
    if let Some(content) = expected.filter(|content| !content.is_empty()) {
        assert!(
            decoded.0 == content && decoded.1.is_ok(),
            "the reference decodes it, we say {:?}",
            decoded.1
        );
    }
}

/// Returns content longer than the input, with matches far back.
pub fn content(input: &[u8]) -> Vec<u8> {
    let Some((&times, rest)) = input.split_first() else { return Vec::new() };
    let mut content = Vec::new();
    for round in 0..u16::from(times % 64) {
        let turn = usize::from(round) * 7 % (rest.len() + 1);
        content.extend_from_slice(&rest[turn..]);
        content.extend_from_slice(&round.to_be_bytes());
        content.extend_from_slice(&rest[..turn]);
    }
    content.truncate(20_000);
    content
}
