use super::*;
use crate::testing::every_cutting;

/// Returns the text that was taken, with escapes resolved, and the number of bytes taken.
fn taken(bytes: &[u8], room: u64) -> (String, usize) {
    let mut text = Vec::new();
    let mut lasts = Vec::new();
    let all = scan_escaped(bytes, room, |block, run| {
        for (at, byte) in block.iter().enumerate().filter(|(at, _)| run.text >> at & 1 == 1) {
            text.push(if run.escaped >> at & 1 == 1 { unescape(*byte) } else { *byte });
        }
        lasts.push(run.last);
        assert_eq!(text.last(), Some(&run.last));
    });
    assert_eq!((all.text_bytes, all.last), (text.len() as u64, lasts.last().copied()));
    (String::from_utf8(text).unwrap(), all.bytes)
}

#[test]
fn scan_stops_at_quotes_and_unicode_escapes() {
    let long = "0123456789".repeat(13);
    let cases = [
        ("", "", 0),
        ("ab", "ab", 2),
        (r#"ab"c"#, "ab", 2),
        (r#"a\"b"c"#, "a\"b", 4),
        (r#"\\"c"#, "\\", 2),
        (r#"\\\"c"#, "\\\"c", 5),
        (r"ab\u0041", "ab", 2),
        (r"\\u0041", "\\u0041", 7),
        (r"ab\", "ab", 2),
        (r"a\\\", "a\\", 3),
        (r"\n\t\r\b\f\/\x", "\n\t\r\u{8}\u{c}/x", 14),
        (&long, &long, 130),
    ];
    for (bytes, text, length) in cases {
        assert_eq!(taken(bytes.as_bytes(), u64::MAX), (text.to_owned(), length), "{bytes}");
    }
}

#[test]
fn scan_takes_no_more_than_there_is_room_for() {
    assert_eq!(taken(b"abc", 0), (String::new(), 0));
    assert_eq!(taken(b"abc", 2), ("ab".to_owned(), 2));
    // An escape is one byte of text, but it is only taken if there is room for both its bytes.
    assert_eq!(taken(br"ab\nc", 3), ("ab".to_owned(), 2));
    assert_eq!(taken(br"ab\nc", 4), ("ab\nc".to_owned(), 5));
}

#[test]
fn scan_does_not_split_an_escape_between_blocks() {
    for pad in 56..72 {
        let bytes = [&b"x".repeat(pad)[..], br#"\"\\"rest"#].concat();
        let text = ["x".repeat(pad).as_str(), "\"\\"].concat();
        for pieces in every_cutting(&bytes).into_iter().take(200) {
            let (start, length) = taken(pieces[0], u64::MAX);
            assert!(text.starts_with(&start), "{start}");
            let is_escape_cut = bytes[..pieces[0].len().min(pad + 4)].len() == length + 1;
            assert!(length == pieces[0].len().min(pad + 4) || is_escape_cut);
        }
        assert_eq!(taken(&bytes, u64::MAX), (text, pad + 4));
    }
}
