#![allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;
use crate::testing::json_twin::{self as twin, PathValue, Value};
use crate::testing::{every_cutting, pieces, points};

const KEY_64: &str = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";
const WANTED: &[&str] = &[
    "", "a", "a.b", "a[]", "a[].b", "a[].b[]", "[]", "[].a", "[][]", "[][][]", "b", "b.a.b", "é", "\"",
    KEY_64,
];
const TEXT_MAX: usize = 9;

/// The result of reading one document.
#[derive(Debug, PartialEq)]
struct ReadResult {
    found: Vec<PathValue>,
    end: Result<DocumentEnd, JsonError>,
    /// The bytes after the document.
    left: Vec<u8>,
}

#[derive(Default)]
struct Collector(Vec<PathValue>, Option<Paths>, Vec<u8>);

impl Collector {
    fn push(&mut self, node: NodeId, at: At, value: Value) {
        let rules = self.1.as_ref().and_then(|paths| paths.node(node)).map(|node| node.rules().to_vec());
        for path in rules.unwrap_or_default() {
            self.0.push(PathValue {
                path: path.into(),
                outer: at.outer,
                inner: at.inner,
                value: value.clone(),
            });
        }
    }
}

impl Sink for Collector {
    fn open(&mut self, node: NodeId, at: At) {
        self.push(node, at, Value::Open);
    }

    fn scalar(&mut self, node: NodeId, at: At, value: Scalar<'_>) {
        let value = match value {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Number(digits) => Value::number(digits),
            Scalar::Text { start, empty } => {
                // The pieces form the whole text, of which this is the start.
                let flowed = std::mem::take(&mut self.2);
                assert_eq!((start, empty), (&flowed[..flowed.len().min(TEXT_MAX)], flowed.is_empty()));
                Value::Text(start.to_vec(), empty)
            }
        };
        self.push(node, at, value);
    }

    fn flow(&mut self, _node: NodeId, _at: At, piece: &[u8]) {
        self.2.extend_from_slice(piece);
    }
}

fn paths() -> Paths {
    let mut paths = Paths::default();
    for (number, path) in (0..).zip(WANTED) {
        paths.add(path, number, TEXT_MAX, true);
    }
    paths
}

fn read(pieces: &[&[u8]]) -> ReadResult {
    let paths = paths();
    let mut collector = Collector(Vec::new(), Some(self::paths()), Vec::new());
    let mut json = Json::default();
    let mut left = Vec::new();
    for piece in pieces {
        match json.feed(piece, &paths, &mut collector) {
            Ok(rest) => left.extend_from_slice(rest),
            Err(fault) => return ReadResult { found: collector.0, end: Err(fault), left },
        }
    }
    let end = Ok(json.finish(&paths, &mut collector));
    ReadResult { found: collector.0, end, left }
}

/// Reads `text` split in every way, and asserts one result, equal to the twin's.
fn check(text: &str) -> ReadResult {
    let whole = read(&[text.as_bytes()]);
    for pieces in every_cutting(text.as_bytes()) {
        assert_eq!(read(&pieces), whole, "{text:?} in {} pieces", pieces.len());
    }
    check_twin(text, &whole);
    whole
}

fn check_twin(text: &str, whole: &ReadResult) {
    let is_whole = whole.end == Ok(DocumentEnd::Complete) && whole.left.iter().all(u8::is_ascii_whitespace);
    let found = is_whole.then_some(&whole.found);
    let is_shallow = text.matches(['[', '{']).count() < 100;
    if is_shallow && !text.trim_ascii().is_empty() {
        assert_eq!(
            whole.end == Ok(DocumentEnd::Incomplete),
            twin::is_cut(text, NUMBER_BYTES_MAX),
            "{text:?}"
        );
    }
    assert_eq!(found, twin::read(text, WANTED, TEXT_MAX, NUMBER_BYTES_MAX).as_ref(), "{text:?}");
}

fn check_end(text: &str, end: Result<DocumentEnd, JsonError>) {
    assert_eq!(check(text).end, end, "{text:?}");
}

#[test]
fn json_reports_every_wanted_value_once_in_order() {
    let found = |path: &str, outer, inner, value| PathValue {
        path: WANTED.iter().position(|wanted| *wanted == path).unwrap(),
        outer,
        inner,
        value,
    };
    let number = |number: i64| Value::Number(number.into());
    let text = |text: &str| Value::Text(text.into(), false);
    let read =
        check(r#"{"a":[{"b":1},{"x":[1,2],"b":[7,8]},null],"b":{"a":{"b":"0123456789"}},"a":{"b":-3}}"#);
    let expected = [
        found("", 0, 0, Value::Open),
        found("a", 0, 0, Value::Open),
        found("a[]", 0, 0, Value::Open),
        found("a[].b", 0, 0, number(1)),
        found("a[]", 1, 1, Value::Open),
        found("a[].b", 1, 1, Value::Open),
        found("a[].b[]", 1, 0, number(7)),
        found("a[].b[]", 1, 1, number(8)),
        found("a[]", 2, 2, Value::Null),
        found("b", 0, 0, Value::Open),
        found("b.a.b", 0, 0, text("012345678")),
        found("a", 0, 0, Value::Open),
        found("a.b", 0, 0, number(-3)),
    ];
    assert_eq!(read.found, expected);
    let nested = check("[[0],[0,[5,6]]]").found;
    let last = found("[][][]", 1, 1, number(6));
    assert_eq!(nested.last(), Some(&last));
    assert_eq!(read.end, Ok(DocumentEnd::Complete));
}

#[test]
fn json_detects_the_end_of_a_document() {
    for text in ["null", " true ", "[]", "{}", "-1.5e3", "\"\"", "[[],{}]", "\t[1 , 2]\r\n", "0"] {
        check_end(text, Ok(DocumentEnd::Complete));
    }
    for text in ["", " \r\n\t"] {
        check_end(text, Ok(DocumentEnd::Empty));
    }
    for text in
        ["[", "[1", "[1,", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "tru", "\"", "\"\\", "\"\\u12", "[\""]
    {
        check_end(text, Ok(DocumentEnd::Incomplete));
    }
    for (text, left) in [("1 2", " 2"), ("{}{}", "{}"), ("nullx", "x"), ("\"\"\"", "\""), ("[]]", "]")] {
        let read = check(text);
        assert_eq!((read.end, read.left), (Ok(DocumentEnd::Complete), left.into()), "{text:?}");
    }
}

#[test]
fn json_reports_malformed_documents() {
    let malformed = [
        "]",
        "}",
        ",",
        ":",
        "[,",
        "[1,]",
        "[1 2]",
        "{1:2}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "[}",
        "{]",
        "[1}",
        "{\"a\":1]",
        "nul1",
        "trye",
        "'a'",
        "[undefined]",
        "NaN",
        "+1",
        ".5",
        "\u{feff}{}",
        "{\"a\"}",
        "{\"a\":1:2}",
        "//",
        "\u{a0}1",
    ];
    for text in malformed {
        check_end(text, Err(JsonError::Malformed));
    }
}

#[test]
fn json_is_lenient_inside_strings() {
    let strings = [
        ("a\nb\u{1}", "a\nb\u{1}"),
        (r"\q\'\/", "q'/"),
        (r"\u12", "\u{fffd}"),
        (r"\u\u0041", "\u{fffd}A"),
        (r"\uD83D\u12", "\u{fffd}\u{fffd}"),
        (r"\uZ", "\u{fffd}Z"),
    ];
    for (written, meant) in strings {
        let start = Value::Text(meant.into(), false);
        let read = check(&format!("{{\"a\":\"{written}\",\"b\":1}}"));
        assert_eq!((&read.found[1].value, read.found.len()), (&start, 3), "{written:?}");
        assert_eq!(read.end, Ok(DocumentEnd::Complete), "{written:?}");
    }
}

#[test]
fn json_matches_only_whole_keys() {
    let long = format!("{KEY_64}k");
    let lone = "\\ud800";
    let cases = [
        ("a", true),
        ("\\u0061", true),
        ("A", false),
        ("", false),
        ("aa", false),
        ("\\\"", true),
        ("é", true),
    ];
    for (key, matches) in cases.into_iter().chain([(KEY_64, true), (&long, false), (lone, false)]) {
        let read = check(&format!("{{\"{key}\":null}}"));
        assert_eq!(read.found.len(), if matches { 2 } else { 1 }, "{key}");
    }
}

#[test]
fn json_reports_invalid_numbers_as_empty() {
    let longest = format!("1.{}", "0".repeat(NUMBER_BYTES_MAX - 2));
    for text in ["0", "-0", "10", "1.5", "1e3", "1E+3", "-0.5e-3", &longest] {
        assert_eq!(as_written(text.as_bytes()), text);
        check_end(text, Ok(DocumentEnd::Complete));
    }
    for text in
        ["", "-", "01", "-01", "1.", "1.e3", ".5", "1e", "1e+", "1-2", "1.2.3", "1e2e3", "--1", "1+", "+1"]
    {
        assert_eq!(as_written(text.as_bytes()), "", "{text}");
        check(&format!("{{\"a\":{text}}}"));
    }
    // A number that is too long is not cut off, which would make it another number.
    for text in [format!("{longest}5"), format!("12.{}5", "0".repeat(60))] {
        assert_eq!(check(&text).found[0].value, Value::Null, "{text}");
    }
    assert_eq!(check("[1").found.len(), 1, "a number is reported only after its end");
}

#[test]
fn json_limits_the_depth() {
    let max = usize::try_from(DEPTH_MAX).unwrap();
    for (depth, end) in [
        (max, Ok(DocumentEnd::Complete)),
        (max + 1, Err(JsonError::TooDeep)),
        (5000, Err(JsonError::TooDeep)),
    ] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let whole = read(&[text.as_bytes()]);
            assert_eq!(whole.end, end, "{depth} of {open}");
            assert_eq!(read(&text.as_bytes().chunks(1).collect::<Vec<_>>()), whole);
        }
    }
}

#[test]
fn json_can_be_reset_in_any_state() {
    let paths = paths();
    for before in ["{\"a\":[", "\"\\u12", "12", "[}", "{\"a", "tru", "{} x", "\"\\ud83d"] {
        let mut json = Json::default();
        let mut ignored = Collector::default();
        let _whatever = json.feed(before.as_bytes(), &paths, &mut ignored);
        json.reset();
        let mut collector = Collector(Vec::new(), Some(self::paths()), Vec::new());
        assert_eq!(json.feed(b"{\"a\":\"x\"}", &paths, &mut collector), Ok(&b""[..]));
        assert!(json.is_done());
        assert_eq!(collector.0, read(&[b"{\"a\":\"x\"}"]).found, "after {before}");
    }
}

/// Generates a JSON string in which each letter is written in one of several ways.
fn quoted() -> impl Strategy<Value = String> {
    let letter = prop_oneof![3 => prop::char::range(' ', '~'), 1 => any::<char>(), 1 => Just('😀')];
    let letters = prop::collection::vec((letter, any::<bool>()), 0..12);
    letters.prop_map(|letters| {
        let mut written = String::from("\"");
        for (letter, is_escaped) in letters {
            let short = serde_json::to_string(&letter).unwrap();
            match is_escaped {
                true => written
                    .extend(letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04X}"))),
                false => written.push_str(&short[1..short.len() - 1]),
            }
        }
        written + "\""
    })
}

fn key() -> impl Strategy<Value = String> {
    let long = format!("\"{KEY_64}k\"");
    let known = prop::sample::select(vec!["\"a\"", "\"b\"", "\"\\u0061\"", "\"é\"", "\"\"", "\"\\\"\""]);
    prop_oneof![6 => known.prop_map(str::to_owned), 1 => Just(long), 1 => Just(format!("\"{KEY_64}\"")), 1 => quoted()]
}

/// Generates a JSON document as text, with duplicate keys and white space anywhere.
fn document() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,19})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?";
    let literal = prop::sample::select(vec!["null", "true", "false"]).prop_map(str::to_owned);
    let scalar = prop_oneof![literal, number, quoted()];
    scalar.prop_recursive(6, 48, 6, |value| {
        let space = "[ \t\r\n]{0,2}";
        let spaced = (space, value, space).prop_map(|(before, value, after)| before + &value + &after);
        let array = prop::collection::vec(spaced.clone(), 0..6);
        let entry = (space, key(), space, spaced).prop_map(|(a, key, b, value)| a + &key + &b + ":" + &value);
        let object = prop::collection::vec(entry, 0..6);
        let array = array.prop_map(|elements| format!("[{}]", elements.join(",")));
        prop_oneof![array, object.prop_map(|entries| format!("{{{}}}", entries.join(",")))]
    })
}

proptest! {
    #[test]
    fn documents_read_as_serde_reads_them(text in document(), points in points()) {
        let whole = read(&[text.as_bytes()]);
        prop_assert_eq!(whole.end, Ok(DocumentEnd::Complete));
        check_twin(&text, &whole);
        prop_assert_eq!(&read(&text.as_bytes().chunks(1).collect::<Vec<_>>()), &whole);
        prop_assert_eq!(&read(&pieces(text.as_bytes(), &points)), &whole);
    }

    #[test]
    fn a_truncated_document_is_incomplete(text in document(), at in any::<prop::sample::Index>()) {
        let text = format!("[{text}]");
        let cut = at.index(text.len() - 1) + 1;
        let read = read(&[&text.as_bytes()[..cut]]);
        prop_assert_eq!(read.end, Ok(DocumentEnd::Incomplete));
    }

    #[test]
    fn damaged_documents_read_alike_in_any_split(
        text in document(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), "[\\]\\[{}:,\"\\\\ 1e.u-]?"), 1..4),
        points in points(),
    ) {
        let mut letters: Vec<String> = text.chars().map(String::from).collect();
        for (at, instead) in damage {
            let at = at.index(letters.len());
            letters[at] = instead;
        }
        let text = letters.concat();
        let whole = read(&[text.as_bytes()]);
        check_twin(&text, &whole);
        prop_assert_eq!(&read(&text.as_bytes().chunks(1).collect::<Vec<_>>()), &whole);
        prop_assert_eq!(&read(&pieces(text.as_bytes(), &points)), &whole);
    }

    #[test]
    fn any_bytes_read_alike_in_any_split(bytes in prop::collection::vec(any::<u8>(), 0..64), points in points()) {
        let whole = read(&[&bytes]);
        prop_assert_eq!(&read(&bytes.chunks(1).collect::<Vec<_>>()), &whole);
        prop_assert_eq!(&read(&pieces(&bytes, &points)), &whole);
    }
}
