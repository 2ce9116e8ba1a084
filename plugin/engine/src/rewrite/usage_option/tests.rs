use proptest::prelude::*;

use super::*;
use crate::testing::{every_cutting, pieces, points};

mod twin;

/// Returns the edited request, which must not depend on how it is cut. `None` if it stays unchanged.
fn edited(document: &str) -> Option<String> {
    let edit_of = |pieces: &[&[u8]]| {
        let mut scanner = UsageOptionScanner::default();
        pieces.iter().for_each(|piece| scanner.feed(piece));
        scanner.edit().filter(|_| scanner.is_complete())
    };
    let edit = edit_of(&[document.as_bytes()]);
    for pieces in every_cutting(document.as_bytes()) {
        assert_eq!(edit_of(&pieces), edit, "{document} in {pieces:?}");
    }
    let after = edit?.apply(document.as_bytes()).unwrap();
    Some(String::from_utf8(after).unwrap())
}

#[test]
fn the_option_is_inserted_if_it_is_absent() {
    for (before, after) in [
        (r#"{"stream":true}"#, r#"{"stream":true,"stream_options":{"include_usage":true}}"#),
        (
            "\n{ \"stream\" : true , \"n\" : [ {\"}\":\"]\\\"\"} , 1 ] }\r\n ",
            "\n{ \"stream\" : true , \"n\" : [ {\"}\":\"]\\\"\"} , 1 ] ,\"stream_options\":{\"include_usage\":true}}\r\n ",
        ),
        // Escapes in a key are decoded.
        (r#"{"str\u0065am":true}"#, r#"{"str\u0065am":true,"stream_options":{"include_usage":true}}"#),
        // The last value of a key counts.
        (
            r#"{"stream":false,"stream":true}"#,
            r#"{"stream":false,"stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        // The keys have no meaning in nested values and in strings.
        (
            r#"{"m":{"stream":false,"stream_options":1},"stream":true,"x":"\"stream_options\":{"}"#,
            r#"{"m":{"stream":false,"stream_options":1},"stream":true,"x":"\"stream_options\":{","stream_options":{"include_usage":true}}"#,
        ),
    ] {
        assert_eq!(edited(before).as_deref(), Some(after));
    }
}

#[test]
fn the_edit_keeps_the_clients_other_options() {
    for (before, after) in [
        (
            r#"{"stream_options":{"include_obfuscation":false},"stream":true}"#,
            r#"{"stream_options":{"include_obfuscation":false,"include_usage":true},"stream":true}"#,
        ),
        (
            r#"{"stream":true,"stream_options": { "a" : {"include_usage":true} } }"#,
            r#"{"stream":true,"stream_options": { "a" : {"include_usage":true} ,"include_usage":true} }"#,
        ),
        (
            r#"{"stream":true,"stream_options":{ }}"#,
            r#"{"stream":true,"stream_options":{ "include_usage":true}}"#,
        ),
        (
            r#"{"stream":true,"stream_options":null}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        (
            r#"{"stream_options":{"include_usage" :false ,"b":1},"stream":true}"#,
            r#"{"stream_options":{"include_usage" :true ,"b":1},"stream":true}"#,
        ),
        (
            r#"{"stream_options":{"b":1,"include_usage":null},"stream":true}"#,
            r#"{"stream_options":{"b":1,"include_usage":true},"stream":true}"#,
        ),
    ] {
        assert_eq!(edited(before).as_deref(), Some(after));
    }
}

#[test]
fn a_document_that_needs_no_edit_or_is_ambiguous_stays_unchanged() {
    for document in [
        "",
        "{}",
        "[]",
        "true",
        r#"{"stream":false}"#,
        r#"{"stream":true,"stream":false}"#,
        r#"{"stream":true,"stream":null}"#,
        r#"{"stream":"true"}"#,
        r#"{"stream":[true]}"#,
        r#"{"stream":1}"#,
        r#"{"Stream":true}"#,
        r#"{"stream_":true,"streams":true}"#,
        r#"[{"stream":true}]"#,
        r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
        r#"{"stream":true,"stream_options":{"include_usage":true,"include_usage":false}}"#,
        r#"{"stream":true,"stream_options":{"include_usage":1}}"#,
        r#"{"stream":true,"stream_options":{"include_usage":"false"}}"#,
        r#"{"stream":true,"stream_options":{"include_usage":{}}}"#,
        r#"{"stream":true,"stream_options":[]}"#,
        r#"{"stream":true,"stream_options":"x"}"#,
        r#"{"stream":true,"stream_options":false}"#,
        r#"{"stream":true,"stream_options":{},"stream_options":{}}"#,
        r#"{"stream":true,"stream_options":null,"stream_options":null}"#,
        // The body is not JSON, or is not complete.
        r#"{"stream":true"#,
        r#"{"stream":true}}"#,
        r#"{"stream":true} x"#,
        r#"{"stream":true,}"#,
        r#"{"stream":tru}"#,
        r#"{"stream":true "a":1}"#,
        "{'stream':true}",
        "\u{feff}{\"stream\":true}",
        "data: {\"stream\":true}\n\n",
    ] {
        assert_eq!(edited(document), None, "{document}");
    }
}

#[test]
fn documents_beyond_the_depth_bound_stay_unchanged() {
    let document =
        |depth: usize| format!(r#"{{"a":{}{},"stream":true}}"#, "[".repeat(depth), "]".repeat(depth));
    let fits = usize::try_from(crate::limits::DEPTH_MAX).unwrap() - 1;
    assert!(edited(&document(fits)).is_some());
    assert_eq!(edited(&document(fits + 1)), None);
}

/// Generates the members of a request in any order, some of them twice.
fn document() -> impl Strategy<Value = String> {
    const MEMBERS: &[&str] = &[
        r#""stream":true"#,
        r#""stream" : false"#,
        r#""model":"gpt \" \\ {""#,
        r#""messages":[{"role":"user","content":"stream_options\":{"},{}]"#,
        r#""stream_options":{"include_obfuscation":true}"#,
        r#""stream_options":{ "include_usage":false , "x":[]}"#,
        r#""stream_options":null"#,
        r#""n":-1.5e3"#,
        r#""stream_options":{"include_usage":true}"#,
    ];
    let members = prop::collection::vec(prop::sample::select(MEMBERS), 0..5);
    (members, prop::sample::select(&["", " ", "\n"][..]))
        .prop_map(|(members, space)| format!("{space}{{{space}{}{space}}}{space}", members.join(",")))
}

proptest! {
    /// The naive twin parses the whole document, and finds that both sides differ in one value only.
    #[test]
    fn a_splice_changes_one_value(document in document(), points in points()) {
        let mut scanner = UsageOptionScanner::default();
        for piece in pieces(document.as_bytes(), &points) {
            scanner.feed(piece);
        }
        prop_assert!(scanner.is_complete());
        let before = twin::parse(document.as_bytes()).unwrap();
        let after = scanner.edit().map(|edit| twin::parse(&edit.apply(document.as_bytes()).unwrap()).unwrap());
        prop_assert_eq!(after, before.with_option_if_needed());
    }
}
