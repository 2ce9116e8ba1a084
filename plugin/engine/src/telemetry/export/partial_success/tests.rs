use super::*;

#[test]
fn rejected_reads_both_encodings() {
    let cases: &[(&[u8], u64)] = &[
        (b"", 0),
        (b"{}", 0),
        (b"{\"partialSuccess\":{}}", 0),
        (b" {\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"too old\"}}\n", 3),
        (b"{\"partialSuccess\":{\"rejectedLogRecords\":2}}", 2),
        (b"{\"partialSuccess\":{\"rejectedSpans\":-1}}", 0),
        (b"{\"partialSuccess\":[1]}", 0),
        (b"{\"partialSuccess\":", 0),
        // partial_success { error_message: "x", rejected_spans: 300 }, after an unknown field
        (b"\x7A\x01x\x0A\x06\x12\x01x\x08\xAC\x02", 300),
        (b"\x0A\x02\x08\x05", 5),
        (b"\x0A\x00", 0),
        (b"\x0A\x03\x12\x01x", 0),
        // -1
        (b"\x0A\x0B\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 0),
        (b"\x0A\x05\x08", 0),
        (b"\x08\x05", 0),
        (b"OK", 0),
        (b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 0),
    ];
    for (body, expected) in cases {
        assert_eq!(rejected(body), *expected, "{body:?}");
    }
    assert_eq!(rejected(&[b' '; TELEMETRY_REPLY_BYTES_MAX + 1]), 0);
}
