//! Decoders take their memory from the budget, release it, and report its refusal.

use super::*;

/// Decodes all of `body` with this much memory. Returns the content, the result and the maximum number of bytes in use.
fn decode_within(
    encoding: &str,
    body: &[u8],
    budget_bytes: usize,
) -> (Vec<u8>, Result<(), DecodeError>, usize) {
    let budget = MemoryBudget::new(budget_bytes);
    let bounds = Bounds { budget: budget.clone(), window_bytes_max: 1 << 24 };
    let mut decoder = Decoder::new(encoding.as_bytes(), bounds).unwrap();
    let (mut decoded, mut used_bytes_max) = (Vec::new(), 0);
    for piece in body.chunks(1000) {
        let fed = decoder.feed(piece, &mut |bytes| decoded.extend_from_slice(bytes));
        used_bytes_max = used_bytes_max.max(budget.used_bytes());
        if fed.is_err() {
            assert_eq!(budget.used_bytes(), 0, "{encoding}: a decoder that failed keeps nothing");
            return (decoded, fed, used_bytes_max);
        }
    }
    let end = decoder.finish();
    assert_eq!(budget.used_bytes(), 0, "{encoding}: a decoder that has ended keeps nothing");
    (decoded, end, used_bytes_max)
}

#[test]
fn decoders_reserve_and_release_their_memory() {
    for File(name, encoding, body) in LONG {
        let (decoded, end, used_bytes_max) = decode_within(encoding, body, 1 << 30);
        assert_eq!(end, Ok(()), "{name}");
        assert!(used_bytes_max > 32 << 10, "{name}: {used_bytes_max} bytes");
        let again = decode_within(encoding, body, used_bytes_max * 4);
        assert!((again.0, again.1) == (decoded, Ok(())), "{name}: enough is enough");
    }
}

#[test]
fn decoder_within_any_budget_returns_the_content_or_an_error() {
    for File(name, encoding, body) in LONG {
        let (decoded, ..) = decode_within(encoding, body, 1 << 30);
        for budget_bytes in (0..20).map(|power| 1 << power) {
            let (part, end, used_bytes_max) = decode_within(encoding, body, budget_bytes);
            assert!(used_bytes_max <= budget_bytes, "{name} within {budget_bytes}: {used_bytes_max}");
            assert!(decoded.starts_with(&part), "{name} within {budget_bytes}");
            let is_whole = part.len() == decoded.len();
            assert_eq!(
                end,
                if is_whole { Ok(()) } else { Err(DecodeError::Memory) },
                "{name} within {budget_bytes}"
            );
        }
    }
}

/// Returns stored blocks of `br` with a window of 16 MiB, without an end.
fn stored_br(block_bytes: usize, blocks: usize) -> Vec<u8> {
    // The header is WBITS 24 in 4 bits, then a meta-block: not the last one, 4 nibbles of length, uncompressed.
    let mut body = Vec::new();
    for block in 0..blocks {
        let bits = (block_bytes as u64 - 1) << 3 | 1 << 19;
        let bits = if block == 0 { bits << 4 | 0b1111 } else { bits };
        body.extend_from_slice(&bits.to_le_bytes()[..3]);
        body.extend(std::iter::repeat_n(b'x', block_bytes));
    }
    body
}

#[test]
fn window_stays_within_the_maximum_of_its_owner() {
    let body = stored_br(60_000, 100);
    for (window_bytes_max, used_bytes) in [(1 << 24, 8 << 20), (1 << 20, 1 << 20), (1 << 12, 1 << 12)] {
        let budget = MemoryBudget::new(1 << 30);
        let mut decoder = Decoder::new(b"br", Bounds { budget: budget.clone(), window_bytes_max }).unwrap();
        let mut bytes = 0;
        assert_eq!(decoder.feed(&body, &mut |piece| bytes += piece.len()), Ok(()));
        assert_eq!(bytes, 6_000_000);
        let used = budget.used_bytes();
        assert!(used >= used_bytes && used < used_bytes + (64 << 10), "{window_bytes_max}: {used}");
    }
}

#[test]
fn used_up_budget_narrows_windows() {
    let budget = MemoryBudget::new(2 << 20);
    let mut decoders = Vec::new();
    let body = stored_br(60_000, 20);
    // One decoder has a large window, and the rest of the budget suffices for small ones.
    for _ in 0..8 {
        let bounds = Bounds { budget: budget.clone(), window_bytes_max: 1 << 24 };
        let mut decoder = Decoder::new(b"br", bounds).unwrap();
        let mut bytes = 0;
        let fed = decoder.feed(&body, &mut |piece| bytes += piece.len());
        assert_eq!((fed, bytes), (Ok(()), 1_200_000));
        assert!(budget.used_bytes() <= 2 << 20);
        decoders.push(decoder);
    }
    drop(decoders);
    assert_eq!(budget.used_bytes(), 0);
}
