//! The shapes of manifests in `shapes.yaml`, and the check of a value against its shape.

use serde_json::{Map, Value};

/// Returns the faults of a value, each with its path.
pub fn faults(value: &Value, shape: &Value, place: &str) -> Vec<String> {
    match shape {
        Value::String(word) => word_faults(value, word, place),
        Value::Array(of_each) => match value.as_array() {
            Some(members) => {
                let numbered = members.iter().enumerate();
                numbered
                    .flat_map(|(at, member)| faults(member, &of_each[0], &format!("{place}[{at}]")))
                    .collect()
            }
            None => vec![format!("{place}: expected a list, got {value}")],
        },
        Value::Object(fields) => match value.as_object() {
            Some(found) => field_faults(found, fields, place),
            None => vec![format!("{place}: expected a mapping, got {value}")],
        },
        _ => panic!("{shape} is not a shape"),
    }
}

fn word_faults(value: &Value, word: &str, place: &str) -> Vec<String> {
    let is_good = match word {
        "any" => true,
        "text" => value.is_string(),
        "number" => value.is_u64(),
        "flag" => value.is_boolean(),
        "texts" => value.as_object().is_some_and(|texts| texts.values().all(Value::is_string)),
        _ => {
            let choices = word.strip_prefix("= ").unwrap_or_else(|| panic!("`{word}` is not a shape"));
            value.as_str().is_some_and(|value| choices.split(" | ").any(|choice| choice == value))
        }
    };
    if is_good { Vec::new() } else { vec![format!("{place}: expected `{word}`, got {value}")] }
}

fn field_faults(found: &Map<String, Value>, fields: &Map<String, Value>, place: &str) -> Vec<String> {
    let shape_of = |key: &str| fields.get(key).or_else(|| fields.get(&format!("{key}!")));
    let needed = fields.keys().filter_map(|key| key.strip_suffix('!'));
    let missing = needed.filter(|key| !found.contains_key(*key));
    let mut faults: Vec<_> = missing.map(|key| format!("{place}: {key} is missing")).collect();
    for (key, value) in found {
        match shape_of(key) {
            Some(shape) => faults.extend(self::faults(value, shape, &format!("{place}.{key}"))),
            None => faults.push(format!("{place}: unknown key {key}")),
        }
    }
    faults
}

#[test]
fn typing_errors_are_found_where_they_are() {
    let shape = serde_saphyr::from_str(
        "{name!: text, spec!: {mode: = A | B, list: [{x!: number}], on: flag, labels: texts, rest: any}}",
    );
    let shape: Value = shape.unwrap();
    for (value, expected) in [
        ("{name: a, spec: {mode: B, list: [{x: 1}], on: true, labels: {a: b}, rest: {any: 1}}}", vec![]),
        ("{name: 7, spec: {}}", vec!["w.name: expected `text`, got 7"]),
        ("{spec: {}}", vec!["w: name is missing"]),
        ("{name: a, spec: {mod: A}}", vec!["w.spec: unknown key mod"]),
        ("{name: a, spec: {mode: a}}", vec!["w.spec.mode: expected `= A | B`, got \"a\""]),
        (
            "{name: a, spec: {list: [{x: 1}, {y: 1}]}}",
            vec!["w.spec.list[1]: x is missing", "w.spec.list[1]: unknown key y"],
        ),
        ("{name: a, spec: {list: {}}}", vec!["w.spec.list: expected a list, got {}"]),
        ("{name: a, spec: [1]}", vec!["w.spec: expected a mapping, got [1]"]),
        (
            "{name: a, spec: {on: 'true', labels: {a: 1}}}",
            vec![
                "w.spec.labels: expected `texts`, got {\"a\":1}",
                "w.spec.on: expected `flag`, got \"true\"",
            ],
        ),
    ] {
        let value: Value = serde_saphyr::from_str(value).unwrap();
        assert_eq!(faults(&value, &shape, "w"), expected, "{value}");
    }
}
