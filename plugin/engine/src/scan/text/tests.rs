use super::*;
use crate::testing::every_cutting;

struct ReadResult {
    kept: Vec<u8>,
    is_empty: bool,
    is_cut: bool,
}

/// Reads the string after an opening quote, split in every way.
fn check(written: &str, keep_max: usize, kept: impl AsRef<[u8]>, is_cut: bool) -> ReadResult {
    let bytes = [written.as_bytes(), b"\"rest"].concat();
    let mut read = None;
    for pieces in every_cutting(&bytes) {
        let mut text = StringReader::default();
        text.begin(keep_max);
        let mut ended = Vec::new();
        let mut has_ended = false;
        for piece in pieces {
            match (has_ended, text.feed(if has_ended { b"" } else { piece }, |_: &[u8]| {})) {
                (true, _) => ended.extend_from_slice(piece),
                (false, Some(rest)) => {
                    has_ended = true;
                    ended.extend_from_slice(rest);
                }
                (false, None) => {}
            }
        }
        assert!(has_ended, "{written:?}");
        assert_eq!(ended, b"rest", "{written:?}");
        assert_eq!(text.kept(), kept.as_ref(), "{written:?}");
        assert_eq!(text.is_cut(), is_cut, "{written:?}");
        read =
            Some(ReadResult { kept: text.kept().to_vec(), is_empty: text.is_empty(), is_cut: text.is_cut() });
    }
    read.unwrap()
}

#[test]
fn string_reader_resolves_escapes() {
    let cases = [
        (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r"A\u00e9\u00E9\u4e2d\u0000", "Aéé中\0"),
        (r"\ud83d\ude00", "😀"),
        (r"\uD83D\uDE00x", "😀x"),
        (r"\ud83d", "\u{fffd}"),
        (r"\ude00", "\u{fffd}"),
        (r"\ud83dx", "\u{fffd}x"),
        (r"\ud83d\n", "\u{fffd}\n"),
        (r"\ud83dA", "\u{fffd}A"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (r"\ud83d\u00", "\u{fffd}\u{fffd}"),
        (r"\u004", "\u{fffd}"),
        (r"\u", "\u{fffd}"),
        (r"\u12\n", "\u{fffd}\n"),
        (r"\x\a", "xa"),
        ("é中😀", "é中😀"),
        ("\t\u{1}", "\t\u{1}"),
    ];
    for (written, meant) in cases {
        check(written, 64, meant, false);
    }
}

#[test]
fn string_reader_keeps_the_first_bytes() {
    check("abc", 3, "abc", false);
    check("abcd", 3, "abc", true);
    check("", 0, "", false);
    check("a", 0, "", true);
    check(r"ab\u0063\u0064", 3, "abc", true);
    check("aé", 2, b"a\xc3", true);
    check(r"a\u00e9", 2, b"a\xc3", true);
    check(r"\ud83d\ude00", 3, "😀".as_bytes().get(..3).unwrap(), true);
    let long = check(&"x".repeat(5000), 256, "x".repeat(256), true);
    assert!(long.kept.capacity() < 1024 && long.is_cut);
}

#[test]
fn only_a_string_without_bytes_is_empty() {
    assert!(check("", 8, "", false).is_empty);
    for written in ["a", r"\n", r"\u0000", r"\ud83d", " "] {
        let meant = match written {
            r"\n" => "\n",
            r"\u0000" => "\0",
            r"\ud83d" => "\u{fffd}",
            other => other,
        };
        assert!(!check(written, 8, meant, false).is_empty, "{written}");
        assert!(!check(written, 0, "", true).is_empty, "{written}");
    }
}
