//! Multipart forms against a split of the whole body. Input: which boundary, two places to cut at, then the body, in
//! which a line of `@` alone is a delimiter, and one of `@` and a name begins that field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llm_gauge_engine::limits::FORM_LINE_BYTES_MAX;
use llm_gauge_engine::scan::Form;

mod cut;
#[path = "../../src/scan/form/tests/twin.rs"]
mod twin;

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

const BOUNDARIES: [&str; 4] = ["b", "--", "----WebKitFormBoundary7MA4YWxk", "a\u{e9}"];

fn read(boundary: &str, pieces: &[&[u8]]) -> Fields {
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let mut form = Form::announced(content_type.as_bytes()).expect("a form");
    let mut fields = Fields::new();
    for piece in pieces {
        form.feed(piece, |name, value| fields.push((name.to_vec(), value.to_vec())));
    }
    fields
}

/// The body with its marks spelled out.
fn spelled(boundary: &str, body: &[u8]) -> Vec<u8> {
    let mut spelled = Vec::new();
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        match line {
            [b'@', b'\n'] => spelled.extend_from_slice(format!("--{boundary}\r\n").as_bytes()),
            [b'@', name @ .., b'\n'] => {
                spelled.extend_from_slice(
                    format!("--{boundary}\r\nContent-Disposition: form-data; name=\"").as_bytes(),
                );
                spelled.extend_from_slice(name);
                spelled.extend_from_slice(b"\"\r\n\r\n");
            }
            line => spelled.extend_from_slice(line),
        }
    }
    spelled
}

fuzz_target!(|input: &[u8]| {
    let Some((&[which, cuts @ ..], body)) = input.split_first_chunk::<3>() else { return };
    let boundary = BOUNDARIES[usize::from(which) % BOUNDARIES.len()];
    let body = spelled(boundary, body);
    let expected = twin::fields(boundary, &body, FORM_LINE_BYTES_MAX);
    for pieces in cut::cuttings(&body, cuts) {
        assert_eq!(read(boundary, &pieces), expected);
    }
});
