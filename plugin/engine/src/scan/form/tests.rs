#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]

use super::Form;
use crate::limits::FORM_LINE_BYTES_MAX;
use crate::testing::every_cutting;

mod twin;

/// Returns the fields of a form whose boundary is `b`, and asserts that every split and the naive twin give the same.
fn fields(content_type: &str, body: &[u8]) -> Vec<String> {
    let line = |(name, value): (Vec<u8>, Vec<u8>)| {
        format!("{}={}", String::from_utf8_lossy(&name), String::from_utf8_lossy(&value))
    };
    let by_twin: Vec<_> = twin::fields("b", body, FORM_LINE_BYTES_MAX).into_iter().map(line).collect();
    let mut first: Option<Vec<String>> = None;
    for pieces in every_cutting(body) {
        let mut form = Form::from_content_type(content_type.as_bytes()).unwrap();
        let mut fields = Vec::new();
        for piece in pieces {
            form.feed(piece, |name, value| {
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                fields.push(format!("{}={}", text(name), text(value)));
            });
        }
        assert_eq!(fields, by_twin);
        assert_eq!(first.get_or_insert_with(|| fields.clone()), &fields);
    }
    first.unwrap()
}

#[test]
fn form_with_a_file_reports_its_fields() {
    let body = b"preamble\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\n\
        Content-Type: audio/mpeg\r\n\r\n\xff\x00\n--\nname=\"model\"\r\n\r\nno\r\n--b\r\n\
        content-disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\n\
        Content-Disposition: form-data; name=language\r\n\r\nen\r\nmore\r\n--b--\r\n";
    let found = fields("multipart/form-data; boundary=b", body);
    assert_eq!(found, ["file=\u{fffd}\0", "model=whisper-1", "language=en"]);
    assert_eq!(fields("Multipart/Form-Data; charset=x; Boundary=\"b\"", body), found);
}

#[test]
fn form_cuts_off_long_lines() {
    let long = "m".repeat(2_000);
    let body = format!("--b\nContent-Disposition: form-data; name=\"model\"\n\n{long}\n--b--\n");
    let found = fields("multipart/form-data; boundary=b", body.as_bytes());
    assert_eq!(found, [format!("model={}", "m".repeat(512))]);
}

#[test]
fn other_content_types_announce_no_form() {
    let long = format!("multipart/form-data; boundary={}", "b".repeat(300));
    for content_type in [
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=b",
        &long,
    ] {
        assert!(Form::from_content_type(content_type.as_bytes()).is_none(), "{content_type}");
    }
}
