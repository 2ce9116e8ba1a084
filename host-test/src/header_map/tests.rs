use super::*;

/// Two pairs, written by hand, so that the test does not depend on the encoder.
const WRITTEN: &[u8] = b"\x02\0\0\0\x05\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0:path\0/x\0a\0\0";

#[test]
fn encodes_the_form_guests_read() {
    let headers = Headers::from([(":path", "/x"), ("a", "")]);
    assert_eq!(headers.encode(), WRITTEN);
    assert_eq!(Headers::decode(WRITTEN), Ok(headers));
    assert_eq!(Headers::new().encode(), [0, 0, 0, 0]);
    assert_eq!(Headers::decode(b""), Ok(Headers::new()));
}

#[test]
fn bytes_survive_the_round_trip() {
    let every_byte: Vec<u8> = (0..=255).collect();
    let headers = Headers::new().with("x", &every_byte).with("x", "").with("set-cookie", b"\xff\0\xfe");
    assert_eq!(Headers::decode(&headers.encode()), Ok(headers));
}

#[test]
fn every_truncation_is_refused() {
    for end in 1..WRITTEN.len() {
        assert_eq!(Headers::decode(&WRITTEN[..end]), Err(HeaderMapError::Length), "cut at {end}");
    }
    let longer = [WRITTEN, b"x"].concat();
    assert_eq!(Headers::decode(&longer), Err(HeaderMapError::Length));
}

#[test]
fn hostile_lengths_neither_panic_nor_allocate() {
    for at in 0..WRITTEN.len() {
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = WRITTEN.to_vec();
            bytes[at] = byte;
            if let Ok(headers) = Headers::decode(&bytes) {
                assert!(headers.byte_size() <= bytes.len());
            }
        }
    }
    let huge_count = b"\xff\xff\xff\xff";
    assert_eq!(Headers::decode(huge_count), Err(HeaderMapError::TooLarge));
    let too_long = vec![0; HEADER_MAP_BYTES_MAX + 1];
    assert_eq!(Headers::decode(&too_long), Err(HeaderMapError::TooLarge));
}

#[test]
fn a_missing_separator_is_refused() {
    let mut bytes = WRITTEN.to_vec();
    *bytes.last_mut().unwrap() = 1;
    assert_eq!(Headers::decode(&bytes), Err(HeaderMapError::Separator));
}

#[test]
fn names_fold_case_and_the_first_value_wins() {
    let mut headers = Headers::from([("X-A", "1"), ("b", "2"), ("x-a", "3")]);
    assert_eq!(headers.text("x-A"), Some("1"));
    headers.set("X-a", "4");
    assert_eq!(headers, Headers::from([("x-a", "4"), ("b", "2")]));
    headers.set("c", "5");
    headers.remove("X-A");
    assert_eq!(headers, Headers::from([("b", "2"), ("c", "5")]));
    assert_eq!(headers.get("x-a"), None);
}
