//! The contents of the files in `data`; `data/make.py` generates the same.

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

/// Returns content longer than deflate's window and than one block of zstd.
pub(super) fn long() -> Vec<u8> {
    [text(9000), text(9000), b"ab".repeat(15_000), text(500)].concat()
}

/// Returns bytes of three classes, each surrounded by bytes of its own class, which is what contexts are for.
pub(super) fn mixed() -> Vec<u8> {
    let mut state = 7u64;
    let mut mixed = Vec::new();
    for place in 0..9000u64 {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        let random = state >> 16;
        let byte = match place / 1000 % 3 {
            0 => 32 + random % 90,
            1 if place % 2 == 0 => 192 + random % 60,
            1 => 128 + random % 60,
            _ => (random % 40 + 236) % 256,
        };
        mixed.push(u8::try_from(byte).unwrap());
    }
    mixed
}

/// Returns an event stream, each of whose events was flushed.
pub(super) fn events() -> Vec<Vec<u8>> {
    let event = |n: usize| {
        let text = text(3 + 40 * n);
        let text = &text[text.len().saturating_sub(20 + 30 * n)..];
        format!("data: {{\"delta\":\"{}\",\"n\":{n}}}\n\n", str::from_utf8(text).unwrap()).into_bytes()
    };
    (0..6).map(event).collect()
}
