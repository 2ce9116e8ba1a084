//! Compressed time: a minute of the rules takes a second.
//!
//! Windows, intervals and waits of minutes and hours are divided by sixty in the shipped files, and nothing else
//! changes. Days and weeks stay, because they refer to the history that the demo backfills.

use serde_json::Value;

/// Keys of Alertmanager's configuration with durations.
const WAITS: [&str; 3] = ["group_wait", "group_interval", "repeat_interval"];

/// Returns a sixtieth of a duration shorter than a day: `5m` is `5s`, `15s` is `250ms`.
#[must_use]
pub fn duration(text: &str) -> Option<String> {
    let unit = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let number: u64 = number.parse().ok()?;
    match unit {
        "s" => Some(format!("{}ms", number.checked_mul(1000)? / 60)),
        "m" => Some(format!("{number}s")),
        "h" => Some(format!("{number}m")),
        "d" | "w" => Some(text.to_owned()),
        _ => None,
    }
}

/// Compresses the durations in an expression, or in a text with expressions: those in brackets and after `offset`.
#[must_use]
pub fn expression(text: &str) -> String {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, opening)) = next_opening(rest) {
        let (head, tail) = rest.split_at(before + opening.len());
        let end = tail.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(tail.len());
        let (word, after) = tail.split_at(end);
        done.push_str(head);
        done.push_str(&duration(word).unwrap_or_else(|| word.to_owned()));
        rest = after;
    }
    done + rest
}

fn next_opening(text: &str) -> Option<(usize, &'static str)> {
    ["[", "offset "].into_iter().filter_map(|opening| Some((text.find(opening)?, opening))).min()
}

/// Compresses a file of rules.
#[must_use]
pub fn rules(mut document: Value) -> Value {
    let groups = document.get_mut("groups").and_then(Value::as_array_mut);
    for group in groups.into_iter().flatten() {
        change(group.get_mut("interval"), duration);
        for rule in group.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten() {
            change(rule.get_mut("for"), duration);
            change(rule.get_mut("expr"), |text| Some(expression(text)));
            let annotations = rule.get_mut("annotations").and_then(Value::as_object_mut);
            for text in annotations.into_iter().flat_map(|annotations| annotations.values_mut()) {
                change(Some(text), |text| Some(expression(text)));
            }
        }
    }
    document
}

/// Compresses the waits in Alertmanager's configuration.
#[must_use]
pub fn waits(mut document: Value) -> Value {
    match &mut document {
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                match WAITS.contains(&key.as_str()) {
                    true => change(Some(value), duration),
                    false => *value = waits(value.take()),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = waits(item.take())),
        _ => {}
    }
    document
}

fn change(value: Option<&mut Value>, change: impl Fn(&str) -> Option<String>) {
    if let Some(value) = value
        && let Some(changed) = value.as_str().and_then(change)
    {
        *value = Value::String(changed);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

    use super::{duration, expression, rules, waits};
    use simulators::workspace::workspace_dir;

    #[test]
    fn durations_are_a_sixtieth() {
        for (long, short) in [("15s", "250ms"), ("5m", "5s"), ("1h", "1m"), ("1d", "1d"), ("2w", "2w")] {
            assert_eq!(duration(long).as_deref(), Some(short));
        }
        assert_eq!(["", "m", "5", "5q", "$x"].map(duration), [const { None::<String> }; 5]);
    }

    #[test]
    fn only_durations_of_an_expression_change() {
        let long = r#"a:rate5m{b="1h"} / rate(c[5m] offset 1h) - (d offset 7d) > avg_over_time(e[1d])"#;
        let short = r#"a:rate5m{b="1h"} / rate(c[5s] offset 1m) - (d offset 7d) > avg_over_time(e[1d])"#;
        assert_eq!(expression(long), short);
        assert_eq!(expression("x[$__rate_interval] offset"), "x[$__rate_interval] offset");
    }

    /// The demo runs the shipped files except for durations, each of which is a sixtieth.
    #[test]
    fn shipped_files_keep_all_but_their_durations() {
        for (file, change) in [
            ("prometheus/rules.yaml", rules as fn(Value) -> Value),
            ("alertmanager/alertmanager.yaml", waits),
        ] {
            let text = fs::read_to_string(workspace_dir().join("envoy").join(file)).unwrap();
            let shipped: Value = serde_saphyr::from_str(&text).unwrap();
            let changed = change(shipped.clone());
            let mut pairs = Vec::new();
            differences(&shipped, &changed, &mut pairs);
            assert!(!pairs.is_empty());
            for (long, short) in pairs {
                let (mut long, mut short) = (words(&long), words(&short));
                assert_eq!(long.len(), short.len());
                let both = long.iter_mut().zip(&mut short).filter(|(long, short)| long != short);
                for (long, short) in both {
                    assert_eq!(Some(&*short), duration(long).as_ref(), "{long}");
                    assert!(long.ends_with(['s', 'm', 'h']), "{long}");
                }
            }
        }
    }

    /// Collects the texts that differ; everything else has to be equal.
    fn differences(one: &Value, other: &Value, pairs: &mut Vec<(String, String)>) {
        match (one, other) {
            (Value::String(one), Value::String(other)) if one != other => {
                pairs.push((one.clone(), other.clone()));
            }
            (Value::Array(ones), Value::Array(others)) => {
                assert_eq!(ones.len(), others.len());
                ones.iter().zip(others).for_each(|(one, other)| differences(one, other, pairs));
            }
            (Value::Object(ones), Value::Object(others)) => {
                assert_eq!(ones.keys().collect::<Vec<_>>(), others.keys().collect::<Vec<_>>());
                ones.values().zip(others.values()).for_each(|(one, other)| differences(one, other, pairs));
            }
            _ => assert_eq!(one, other),
        }
    }

    fn words(text: &str) -> Vec<String> {
        text.split(|letter: char| !letter.is_ascii_alphanumeric()).map(str::to_owned).collect()
    }
}
