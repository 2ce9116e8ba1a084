//! What the files in `data` hold; `data/make.py` has the same rule.

const WORDS: &str = "the of and stream token model usage answer input output data event time way world house";

fn text(words: usize) -> Vec<u8> {
    let known: Vec<_> = WORDS.split(' ').collect();
    let mut state = 7u64;
    let mut parts = Vec::new();
    for _ in 0..words {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        parts.push(known[usize::try_from(state >> 16).unwrap() % 16]);
    }
    parts.join(" ").into_bytes()
}

/// More than deflate's window and more than one block of zstd.
pub(super) fn long() -> Vec<u8> {
    [text(9000), text(9000), b"ab".repeat(15_000), text(500)].concat()
}

/// An event stream; each event is flushed.
pub(super) fn events() -> Vec<Vec<u8>> {
    let event = |n: usize| {
        let text = text(3 + 40 * n);
        let text = &text[text.len().saturating_sub(20 + 30 * n)..];
        format!("data: {{\"delta\":\"{}\",\"n\":{n}}}\n\n", str::from_utf8(text).unwrap()).into_bytes()
    };
    (0..6).map(event).collect()
}
