use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn json_writes_every_kind_of_value() {
    let words = [Word::Text("stop".into()), Word::Number(-3)];
    let fields = vec![
        ("a", FieldValue::from(Some(7_u64))),
        ("b", None::<u64>.into()),
        ("c", "say \"hi\"\n\t\r\u{8}\u{1}\\é".into()),
        ("d", true.into()),
        ("e", FieldValue::Words(&words)),
        ("f", FieldValue::Names(&["x", "y"])),
        ("g", (&words[0]).into()),
        ("h", FieldValue::Number(u64::MAX)),
    ];
    let expected = r#"{"a":7,"c":"say \"hi\"\n\t\r\u0008\u0001\\é","d":true,"e":["stop",-3],"f":["x","y"],"g":"stop","h":18446744073709551615}"#;
    assert_eq!(super::json(&fields, false), expected);
    assert_eq!(super::json(&fields, true), expected.replace(r#""c""#, r#""b":null,"c""#));
    assert_eq!(super::json(&Vec::new(), true), "{}");
    assert_eq!(fields[2].1.plain(), "say \"hi\"\n\t\r\u{8}\u{1}\\é");
    assert_eq!(fields[4].1.plain(), r#"["stop",-3]"#);
}

proptest! {
    #[test]
    fn json_round_trips_any_text(name in "[a-z_0-9]{1,9}", text in any::<String>(), number in any::<i64>()) {
        let word = Word::Number(number);
        let fields = vec![(name.as_str(), FieldValue::Text(&text)), ("number", FieldValue::Word(&word))];
        let back: serde_json::Value = serde_json::from_str(&super::json(&fields, false)).unwrap();
        prop_assert_eq!(back, json!({name.as_str(): text, "number": number}));
    }
}
