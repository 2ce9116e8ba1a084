#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// Encodes a header map as the ABI specifies, field by field.
fn encode(fields: &Fields) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let sizes = fields.iter().flat_map(|(name, value)| [number(name.len()), number(value.len())].concat());
    let data = fields.iter().flat_map(|(name, value)| [name.as_slice(), b"\0", value, b"\0"].concat());
    number(fields.len()).into_iter().chain(sizes).chain(data).collect()
}

fn content_type(value: &[u8]) -> Headers<'_> {
    Headers::new([(&b"content-type"[..], value)])
}

#[test]
fn headers_decode_a_header_map() {
    let map = b"\x02\0\0\0\x05\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0:path\0/x\0a\0\0";
    let headers = Headers::decode(map);
    assert_eq!(
        (headers.get(":path"), headers.get("a"), headers.get("b")),
        (Some(&b"/x"[..]), Some(&b""[..]), None)
    );
    for end in 0..map.len() {
        assert!(Headers::decode(&map[..end]).fields.is_empty(), "cut at {end}");
    }
    for hostile in [&b"\xff\xff\xff\xff"[..], b"\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", b"\0\0\0\0", b""]
    {
        assert!(Headers::decode(hostile).fields.is_empty());
    }
}

#[test]
fn headers_return_the_first_field_of_a_name() {
    let headers =
        Headers::new([(&b"x"[..], &b"\xff"[..]), (b"x", b"2"), (b":status", b"200"), (b"\xfe", b"3")]);
    assert_eq!((headers.get("x"), headers.text("x")), (Some(&b"\xff"[..]), None));
    assert_eq!(headers.status(), Some(200));
    for status in [&b""[..], b"abc", b"-1", b"99999999999", b"\xff"] {
        assert_eq!(Headers::new([(&b":status"[..], status)]).status(), None);
    }
}

#[test]
fn media_type_ignores_parameters() {
    let yes = [
        "text/event-stream",
        "Text/Event-Stream",
        "text/event-stream; charset=utf-8",
        " text/event-stream ;x",
    ];
    for value in yes.map(str::as_bytes).into_iter().chain([&b"text/event-stream; x=\xff"[..]]) {
        assert!(content_type(value).media_type_is("text/event-stream"), "{value:?}");
    }
    for value in ["", "text/event-streams", "x;text/event-stream", "text", ";"] {
        assert!(!content_type(value.as_bytes()).media_type_is("text/event-stream"), "{value}");
    }
    assert!(!Headers::default().media_type_is("text/event-stream"));
}

#[test]
fn content_encoding_is_empty_for_identity() {
    let read = |values: &[&str]| {
        let fields = values.iter().map(|value| (&b"content-encoding"[..], value.as_bytes()));
        String::from_utf8(Headers::new(fields).content_encoding()).unwrap()
    };
    for plain in [&[][..], &[""], &["identity"], &["Identity, identity"], &["identity", ""]] {
        assert_eq!(read(plain), "", "{plain:?}");
    }
    assert_eq!(read(&["gzip"]), "gzip");
    assert_eq!(read(&["gzip, br"]), "gzip, br");
    assert_eq!(read(&["gzip", "br"]), "gzip,br");
}

proptest! {
    #[test]
    fn headers_decode_any_map(fields in prop::collection::vec((any::<Vec<u8>>(), any::<Vec<u8>>()), 0..8)) {
        let map = encode(&fields);
        let decoded: Fields = Headers::decode(&map).fields.iter().map(|(a, b)| (a.to_vec(), b.to_vec())).collect();
        prop_assert_eq!(decoded, fields);
    }

    #[test]
    fn headers_decode_no_more_than_a_hostile_map_has(
        fields in prop::collection::vec((any::<Vec<u8>>(), any::<Vec<u8>>()), 0..4),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut map = encode(&fields);
        for (at, byte) in damage {
            let at = at.index(map.len());
            map[at] = byte;
        }
        let bytes: usize = Headers::decode(&map).fields.iter().map(|(name, value)| name.len() + value.len()).sum();
        prop_assert!(bytes <= map.len());
    }
}

#[test]
fn headers_decode_what_encode_returns() {
    for fields in
        [&[][..], &[("a", "1")], &[("allow", "POST"), ("vary", ""), ("content-type", "application/json")]]
    {
        let map = super::encode(fields);
        let bytes: Vec<_> = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        assert_eq!(Headers::decode(&map).fields, bytes);
    }
}
