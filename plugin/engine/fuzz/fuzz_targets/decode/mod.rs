//! What the targets of all encodings share.

use llm_gauge_engine::scan::{DecodeError, Decoder};

pub type Decoded = (Vec<u8>, Result<(), DecodeError>);

pub fn decode<'a>(encoding: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
    let mut decoder = Decoder::new(encoding.as_bytes()).expect("a known encoding");
    let mut decoded = Vec::new();
    for piece in pieces {
        let fed = decoder.feed(piece, &mut |bytes| decoded.extend_from_slice(bytes));
        if fed.is_err() {
            return (decoded, fed);
        }
    }
    (decoded, decoder.finish())
}

/// Any bytes in any cutting: no panic, and the same content. Bombs go off a little earlier in pieces.
pub fn any(encoding: &str, cuts: [u8; 2], body: &[u8]) -> Decoded {
    let mut cuts = cuts.map(|cut| usize::from(cut) * (body.len() + 1) / 256);
    cuts.sort_unstable();
    let whole = decode(encoding, [body]);
    let pieces = [&body[..cuts[0]], &body[cuts[0]..cuts[1]], &body[cuts[1]..]];
    for cut in [decode(encoding, pieces), decode(encoding, body.chunks(1))] {
        if cut.1 == Err(DecodeError::Ratio) {
            assert!(whole.0.starts_with(&cut.0));
        } else {
            assert!(cut == whole, "{} {:?}, {} {:?}", cut.0.len(), cut.1, whole.0.len(), whole.1);
        }
    }
    whole
}

/// What an encoder made comes back; the last bytes of a short one, so that every round is short.
pub fn round_trip(encoding: &str, cuts: [u8; 2], content: &[u8], body: &[u8]) {
    let (decoded, end) = any(encoding, cuts, body);
    if end == Err(DecodeError::Ratio) {
        return assert!(content.starts_with(&decoded));
    }
    assert_eq!(end, Ok(()));
    assert!(decoded == content);
    if let [cut @ .., _] = body {
        assert_eq!(decode(encoding, [cut]).1.is_ok(), cut.is_empty());
    }
}

/// Longer content than the input, with matches far back.
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
