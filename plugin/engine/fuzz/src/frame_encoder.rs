//! AWS event stream frames with correct checksums.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Returns one frame for each part of the input, which end at zeros. The first byte of a part chooses headers and the
/// form of the payload, the rest is the payload's content.
pub fn frames(input: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in input.split(|byte| *byte == 0) {
        let Some((&choice, content)) = part.split_first() else { continue };
        let payload = match choice >> 6 {
            0 => content.to_vec(),
            form => wrapped(content, form),
        };
        bytes.extend_from_slice(&frame(&headers(choice), &payload));
    }
    bytes
}

fn frame(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let word = |number: usize| u32::try_from(number).expect("a short frame").to_be_bytes();
    let mut bytes = [word(16 + headers.len() + payload.len()), word(headers.len())].concat();
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend_from_slice(headers);
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

/// Returns the headers whose bits are set in `choice`.
fn headers(choice: u8) -> Vec<u8> {
    let all = [
        header(":event-type", 7, b"chunk"),
        header(":exception-type", 7, b"throttlingException"),
        header(":event-type", 6, b"messageStop"),
        header(":error-code", 7, b"InternalError"),
        header("timestamp", 8, &[9; 8]),
        header("x", 7, &[b'x'; 5000]),
    ];
    let chosen = all.into_iter().enumerate().filter(|(number, _)| choice >> number & 1 == 1);
    chosen.flat_map(|(_, header)| header).collect()
}

fn header(name: &str, value_type: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(name.len()).expect("a short name")];
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(value_type);
    if matches!(value_type, 6 | 7) {
        bytes.extend_from_slice(&u16::try_from(value.len()).expect("a short value").to_be_bytes());
    }
    [&bytes, value].concat()
}

/// Returns the payload of an InvokeModel frame: a document in base64, inside another document.
fn wrapped(content: &[u8], form: u8) -> Vec<u8> {
    let text = if form & 1 == 0 { STANDARD.encode(content) } else { URL_SAFE_NO_PAD.encode(content) };
    let text = if form & 2 == 0 { text } else { text.replace('e', "\\u0065") };
    format!("{{\"bytes\":\"{text}\",\"p\":\"abc\"}}").into_bytes()
}
