use super::*;

fn debug_text(document: &str) -> Option<String> {
    JsonValue::parse(document.as_bytes()).map(|tree| format!("{tree:?}"))
}

#[test]
fn json_value_distinguishes_all_types() {
    let tree = JsonValue::parse(br#" {"a":[null,true,7,-7,7.0,"x\u00e9"],"b":{}} "#).unwrap();
    let items = [
        JsonValue::Null,
        JsonValue::Bool(true),
        JsonValue::Whole(7),
        JsonValue::Number(-7.0),
        JsonValue::Number(7.0),
        JsonValue::Text("xé".to_owned()),
    ];
    assert_eq!(tree.get("a").and_then(JsonValue::list), Some(&items[..]));
    assert_eq!(tree.get("b").and_then(JsonValue::pairs), Some(&[][..]));
    assert_eq!((tree.get("c"), tree.whole(), tree.text()), (None, None, None));
}

#[test]
fn json_value_is_whole_only_if_written_as_an_integer() {
    for number in ["5.0", "5e0", "50e-1", "-0", "-5", "18446744073709551616"] {
        assert!(matches!(JsonValue::parse(number.as_bytes()), Some(JsonValue::Number(_))), "{number}");
    }
    assert_eq!(JsonValue::parse(b"18446744073709551615"), Some(JsonValue::Whole(u64::MAX)));
}

#[test]
fn json_value_refuses_all_but_one_document() {
    for document in
        ["", "{", "{}x", "{} {}", "```json\n{}\n```", "{a:1}", "{'a':1}", "[1,]", "05", "\u{feff}{}"]
    {
        assert_eq!(debug_text(document), None, "{document}");
    }
    assert_eq!(JsonValue::parse(b"\"\xff\""), None);
    assert_eq!(debug_text(&"[".repeat(100_000)), None);
    assert_eq!(debug_text(&format!("{}{}", "[".repeat(500), "]".repeat(500))), None);
}

#[test]
fn json_value_refuses_duplicate_keys() {
    assert_eq!(debug_text(r#"{"a":1,"a":1}"#), None);
    assert_eq!(debug_text(r#"[{"b":{"a":1,"\u0061":2}}]"#), None);
    assert!(debug_text(r#"{"a":{"a":1},"b":{"a":1}}"#).is_some());
}

#[test]
fn json_value_limits_the_keys_of_an_object() {
    let object = |keys: usize| {
        let pairs: Vec<_> = (0..keys).map(|key| format!("\"{key}\":0")).collect();
        debug_text(&format!("{{{}}}", pairs.join(","))).is_some()
    };
    assert_eq!((object(TREE_KEYS_MAX), object(TREE_KEYS_MAX + 1)), (true, false));
}
