//! Multipart forms against the naive twin, which splits the whole body.
//!
//! An input is the number of a boundary, two places to cut at, and then the body, in which marks stand for delimiters:
//! a line `@` for a delimiter alone, a line `@NAME` for one that begins the field `NAME`.

use llm_gauge_decode_fuzz::cuttings::cuttings;
use llm_gauge_engine::limits::FORM_LINE_BYTES_MAX;
use llm_gauge_engine::scan::Form;

use crate::twins::form_twin;

const BOUNDARIES: [&str; 4] = ["b", "--", "----WebKitFormBoundary7MA4YWxk", "a\u{e9}"];

/// Names and values.
type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// Checks one input.
pub fn check(input: &[u8]) {
    let Some((&[boundary, cuts @ ..], body)) = input.split_first_chunk::<3>() else { return };
    let boundary = BOUNDARIES[usize::from(boundary) % BOUNDARIES.len()];
    let body = with_delimiters(boundary, body);
    let expected = form_twin::fields(boundary, &body, FORM_LINE_BYTES_MAX);
    for pieces in cuttings(&body, cuts) {
        assert_eq!(fields(boundary, &pieces), expected);
    }
}

fn fields(boundary: &str, pieces: &[&[u8]]) -> Fields {
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let mut form = Form::from_content_type(content_type.as_bytes()).expect("a form");
    let mut fields = Fields::new();
    for piece in pieces {
        form.feed(piece, |name, value| fields.push((name.to_vec(), value.to_vec())));
    }
    fields
}

/// Returns the body with delimiters in place of its marks.
fn with_delimiters(boundary: &str, body: &[u8]) -> Vec<u8> {
    let mut written = Vec::new();
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        match line {
            [b'@', b'\n'] => written.extend_from_slice(format!("--{boundary}\r\n").as_bytes()),
            [b'@', name @ .., b'\n'] => {
                written.extend_from_slice(
                    format!("--{boundary}\r\nContent-Disposition: form-data; name=\"").as_bytes(),
                );
                written.extend_from_slice(name);
                written.extend_from_slice(b"\"\r\n\r\n");
            }
            line => written.extend_from_slice(line),
        }
    }
    written
}
