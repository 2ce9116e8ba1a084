//! Tests of the table of keys against the parser, which must apply its names, defaults and bounds.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::accepted;
use crate::config::keys::{Bound, Fallback, Key, Kind, OBJECTS, UNBOUNDED};
use crate::config::policy::tests::settings;
use crate::config::{ConfigError, Policy};
use crate::judge;

/// Returns a document with every object once, and with the required keys only. A price table has a date only if it
/// has a version.
fn full() -> Value {
    json!({
        "match": [{}],
        "labels": [{"name": "tenant", "header": "x-tenant"}],
        "models": {"rename": [{"match": "a", "to": "b"}]},
        "streaming": {},
        "prices": {"version": "v", "rows": [{"provider": "p", "match": "m n"}, {"provider": "openai", "match": "m n"}]},
        "judge": {
            "cluster": "c", "model": "m", "judges": [{"cluster": "d", "model": "n"}],
            "rules": [{"sample_rate": 0.5}], "criteria": [{"name": "style", "definition": "d"}],
            "context": [{"tag": "t"}, {"header": "h"}, {"pointer": "/p"}], "budget": {},
        },
        "feedback": {"cors": {"origins": ["*"]}},
        "telemetry": {"cluster": "o", "batch": {}},
        "redact": [{"name": "x", "regex": "y"}],
        "limits": {},
    })
}

/// Values other than the default, or other than that of [`full`], for keys whose type does not determine one.
const OTHERS: &[(&str, &str)] = &[
    ("service", r#""shop""#),
    ("match", r#"[{}, {}]"#),
    ("labels", r#"[{"name": "team", "header": "x-team"}]"#),
    ("models", r#"{"max_series": 7}"#),
    ("streaming", r#"{"usage": "request"}"#),
    ("prices", r#"{"rows": [{"provider": "p", "match": "m", "input": "1"}]}"#),
    ("judge", r#"{"cluster": "e", "model": "m"}"#),
    ("feedback", r#"{"path": "/rate"}"#),
    ("telemetry", r#"{"cluster": "p"}"#),
    ("redact", r#"["email"]"#),
    ("filter_state", r#"["model"]"#),
    ("limits", r#"{"event_bytes": 7}"#),
    ("match[].path", r#""/v1/*""#),
    ("match[].host", r#""*.example""#),
    ("match[].route", r#""r""#),
    ("match[].cluster", r#""c""#),
    ("match[].provider", r#""acme""#),
    ("match[].format", r#""openai_chat""#),
    ("labels[].name", r#""team""#),
    ("labels[].header", r#""x-team""#),
    ("labels[].default", r#""none""#),
    ("models.known", r#"["m"]"#),
    ("models.rename", r#"[{"match": "x", "to": "y"}]"#),
    ("models.rename[].match", r#""x""#),
    ("models.rename[].to", r#""y""#),
    ("prices.version", r#""w""#),
    ("prices.date", r#""d""#),
    ("prices.providers", r#"{"cloud": "p"}"#),
    ("prices.rows", r#"[{"provider": "q", "match": "m"}]"#),
    ("prices.rows[].provider", r#""q""#),
    ("prices.rows[].match", r#""o""#),
    ("prices.rows[].except", r#""o""#),
    ("judge.cluster", r#""e""#),
    ("judge.authority", r#""e""#),
    ("judge.path", r#""/e""#),
    ("judge.model", r#""e""#),
    ("judge.provider", r#""e""#),
    ("judge.headers", r#"{"x-e": "e"}"#),
    ("judge.judges", r#"[{"cluster": "e", "model": "e"}]"#),
    ("judge.judges[].cluster", r#""e""#),
    ("judge.judges[].authority", r#""e""#),
    ("judge.judges[].path", r#""/e""#),
    ("judge.judges[].model", r#""e""#),
    ("judge.judges[].provider", r#""e""#),
    ("judge.judges[].headers", r#"{"x-e": "e"}"#),
    ("judge.rules", r#"[{"sample_rate": 0.25}]"#),
    ("judge.criteria", r#"[{"name": "tone", "definition": "d"}]"#),
    ("judge.context", r#"["system"]"#),
    ("judge.budget", r#"{"calls_per_minute": 7}"#),
    ("judge.rules[].model", r#""x""#),
    ("judge.rules[].operation", r#""chat""#),
    ("judge.rules[].path", r#""/x""#),
    ("judge.rules[].labels", r#"{"tenant": "x"}"#),
    ("judge.criteria[].name", r#""tone""#),
    ("judge.criteria[].definition", r#""e""#),
    ("judge.criteria[].scale", r#"{"1": "bad"}"#),
    ("judge.context[].tag", r#""u""#),
    ("judge.context[].header", r#""i""#),
    ("judge.context[].pointer", r#""/q""#),
    ("feedback.path", r#""/rate""#),
    ("feedback.secret", r#""0123456789abcdef""#),
    ("feedback.cors", r#"{"origins": ["https://a.example"]}"#),
    ("feedback.cors.origins", r#"["https://a.example"]"#),
    ("telemetry.cluster", r#""p""#),
    ("telemetry.authority", r#""p""#),
    ("telemetry.path", r#""/p""#),
    ("telemetry.headers", r#"{"x-e": "e"}"#),
    ("telemetry.batch", r#"{"max_items": 7}"#),
    ("redact[].name", r#""z""#),
    ("redact[].regex", r#""z""#),
];

/// The keys that are for people and have no effect.
const WITHOUT_EFFECT: &[&str] = &["prices.notice"];

/// The prefix of keys that exclude one another. One of them is required.
const ONE_OF: &str = "judge.context[].";

pub(super) fn keys() -> Vec<(String, &'static Key)> {
    let path = |object: &str, key: &str| match object {
        "" => key.to_owned(),
        object => format!("{object}.{key}"),
    };
    let keys = OBJECTS.iter().flat_map(|object| object.keys.iter().map(move |key| (object.path, key)));
    keys.map(|(object, key)| (path(object, key.name), key)).collect()
}

/// Returns the object of [`full`] at a path of the table, and the path of its last item.
fn object<'a>(document: &'a mut Value, path: &str, key: &str) -> (&'a mut Value, String) {
    let (mut object, mut at) = (document, String::new());
    for step in path.split('.').filter(|step| !step.is_empty()) {
        let name = step.trim_end_matches("[]");
        at = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        object = object.get_mut(name).unwrap_or_else(|| panic!("{path} is not in the full document"));
        if step.ends_with("[]") {
            let items = object.as_array_mut().unwrap();
            let index = items.iter().position(|item| item.get(key).is_some()).unwrap_or(0);
            at = format!("{at}[{index}]");
            object = items.get_mut(index).unwrap();
        }
    }
    (object, at)
}

/// Returns the full document with another value at a path, or without the key, and the path as errors have it.
fn with(path: &str, value: Option<&Value>) -> (String, String) {
    let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
    let mut document = full();
    let (object, at) = object(&mut document, parent, key);
    let object = object.as_object_mut().unwrap();
    match value {
        Some(value) => drop(object.insert(key.to_owned(), value.clone())),
        None => drop(object.remove(key)),
    }
    let path = if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    (document.to_string(), path)
}

#[track_caller]
fn compiled(document: &str) -> String {
    settings(&accepted(document))
}

#[track_caller]
fn error(document: &str) -> ConfigError {
    Policy::parse(document.as_bytes()).map(|_| "accepted").expect_err(document)
}

/// Returns the default as JSON. `None` if a key has none.
fn default(path: &str, key: &Key) -> Option<Value> {
    Some(match key.default {
        Fallback::Required | Fallback::Absent => return None,
        Fallback::Text(text) => json!(text),
        Fallback::Json(json) => serde_json::from_str(json).unwrap(),
        Fallback::Integer(number) => json!(number),
        Fallback::Number(number) => json!(number),
        Fallback::Switch(is_on) => json!(is_on),
        Fallback::Words(_) => match path {
            "judge.authority" => json!("c"),
            "judge.judges[].authority" => json!("d"),
            "telemetry.authority" => json!("o"),
            "judge.criteria" => {
                let criterion = |criterion: judge::Criterion| {
                    let scale: serde_json::Map<_, _> =
                        criterion.scale.into_iter().map(|(score, text)| (score, json!(text))).collect();
                    json!({
                        "name": criterion.name, "definition": criterion.definition, "scale": scale,
                        "needs_context": criterion.needs_context,
                    })
                };
                judge::default_criteria().into_iter().map(criterion).collect()
            }
            // No JSON value means the same as these defaults.
            "match" | "match[].provider" | "match[].format" => return None,
            _ => panic!("{path}: which JSON is its default?"),
        },
    })
}

/// Returns a value other than the default.
fn other(path: &str, key: &Key) -> Value {
    if let Some((_, other)) = OTHERS.iter().find(|(known, _)| *known == path) {
        return serde_json::from_str(other).unwrap();
    }
    match (key.kind, key.default) {
        (Kind::Integer, Fallback::Integer(default)) => {
            let Bound::Integer { least, .. } = key.bound else { panic!("{path} has no bounds") };
            json!(if least == default { least.saturating_add(1) } else { least })
        }
        (Kind::Number, _) => json!(0.125),
        (Kind::Switch, Fallback::Switch(is_on)) => json!(!is_on),
        (Kind::Choice(words), _) => json!(words.last()),
        _ if path.starts_with("prices.rows[].") => json!("1"),
        _ => panic!("{path}: give it another value"),
    }
}

#[test]
fn the_parser_applies_each_default_of_the_table() {
    for (path, key) in keys() {
        let (without, at) = with(&path, None);
        if matches!(key.default, Fallback::Required) {
            assert_eq!((error(&without).path, error(&without).got.as_str()), (at, "nothing"), "{path}");
            continue;
        }
        if path.starts_with(ONE_OF) {
            assert!(error(&without).expected.starts_with("one of "), "{path}");
            continue;
        }
        let without = compiled(&without);
        if let Some(default) = default(&path, key) {
            assert!(compiled(&with(&path, Some(&default)).0) == without, "{path}: {default}");
        }
    }
}

#[test]
fn each_key_has_an_effect() {
    for (path, key) in keys() {
        if WITHOUT_EFFECT.contains(&path.as_str()) {
            continue;
        }
        let before = match key.default {
            Fallback::Required => compiled(&full().to_string()),
            _ if path.starts_with(ONE_OF) => compiled(&full().to_string()),
            _ => compiled(&with(&path, None).0),
        };
        let other = other(&path, key);
        assert!(compiled(&with(&path, Some(&other)).0) != before, "{path}: {other}");
    }
}

#[test]
fn each_object_accepts_exactly_the_keys_of_the_table() {
    let paths: BTreeSet<_> = OBJECTS.iter().map(|object| object.path).collect();
    for path in &paths {
        let mut document = full();
        let (object, at) = object(&mut document, path, "");
        object.as_object_mut().unwrap().insert("?".to_owned(), json!(1));
        let names = OBJECTS.iter().filter(|object| object.path == *path).flat_map(|object| object.keys);
        let names: Vec<_> = names.map(|key| format!("`{}`", key.name)).collect();
        let at = if at.is_empty() { "?".to_owned() } else { format!("{at}.?") };
        let expected = ConfigError::new(at, format!("one of {}", names.join(", ")), "`?`");
        assert_eq!(error(&document.to_string()), expected);
    }
    // The items of mixed lists are objects or names.
    let is_object = |key: &Key| matches!(key.kind, Kind::Object | Kind::Objects | Kind::Mixed(_));
    let mut objects: BTreeSet<_> = keys()
        .iter()
        .filter(|(_, key)| is_object(key))
        .map(|(path, key)| if matches!(key.kind, Kind::Object) { path.clone() } else { format!("{path}[]") })
        .collect();
    assert!(objects.remove("feedback.secret[]"), "a list of strings");
    objects.insert(String::new());
    assert_eq!(objects, paths.into_iter().map(str::to_owned).collect());
}

#[test]
fn each_price_key_names_a_token_class() {
    let names =
        keys().into_iter().filter_map(|(path, _)| Some(path.strip_prefix("prices.rows[].")?.to_owned()));
    let mut classes: Vec<_> = names.filter(|name| crate::price::TokenClass::named(name).is_some()).collect();
    classes.sort();
    let names = crate::price::TokenClass::names();
    let mut all: Vec<_> = names.split(", ").map(str::to_owned).collect();
    all.sort();
    assert_eq!(classes, all);
}

/// Asserts that a value is accepted at a path.
#[track_caller]
pub(super) fn accepted_at(path: &str, value: &Value) {
    accepted(&with(path, Some(value)).0);
}

/// Asserts that a value is refused at a path.
#[track_caller]
pub(super) fn refused_at(path: &str, value: &Value, expected: &str, got: &str) {
    let (document, at) = with(path, Some(value));
    assert_eq!(error(&document), ConfigError::new(at, expected, got), "{path}");
}

#[test]
fn each_bound_of_a_number_is_that_of_the_table() {
    let mut checked = 0;
    for (path, key) in keys() {
        match key.bound {
            Bound::Integer { least, most } => {
                accepted_at(&path, &json!(most));
                if path != "judge.weight" {
                    accepted_at(&path, &json!(least)); // 0 is one of a judge among others
                }
                if let Some(below) = least.checked_sub(1) {
                    refused_at(&path, &json!(below), &format!("at least {least}"), &below.to_string());
                }
                if most != UNBOUNDED {
                    let above = most + 1;
                    refused_at(&path, &json!(above), &format!("at most {most}"), &above.to_string());
                }
            }
            Bound::Number { most } => {
                accepted_at(&path, &json!(0));
                refused_at(&path, &json!(-0.5), "at least 0", "-0.5");
                if most.is_finite() {
                    accepted_at(&path, &json!(most));
                    refused_at(
                        &path,
                        &json!(most + 0.5),
                        &format!("at most {most}"),
                        &format!("{:?}", most + 0.5),
                    );
                } else {
                    accepted_at(&path, &json!(f64::MAX));
                }
            }
            _ => continue,
        }
        checked += 1;
    }
    assert_eq!(checked, 23);
}

/// Returns `count` different items for the list at this path.
fn items(path: &str, count: usize) -> Value {
    let item = |number: usize| match path {
        "labels" => json!({"name": format!("x{number}y"), "header": "x"}),
        "redact" => json!({"name": format!("n{number}"), "regex": "x"}),
        "judge.judges" => json!({"cluster": "c", "model": "m"}),
        "judge.criteria" => json!({"name": format!("n{number}"), "definition": "d"}),
        "feedback.cors.origins" => json!(format!("https://a{number}.example")),
        _ => panic!("{path}: which items?"),
    };
    (0..count).map(item).collect()
}

#[test]
fn each_bound_of_a_list_is_that_of_the_table() {
    let mut checked = 0;
    for (path, key) in keys() {
        let Bound::Items { least, most } = key.bound else {
            continue;
        };
        accepted_at(&path, &items(&path, least));
        accepted_at(&path, &items(&path, most));
        if least == 1 {
            refused_at(&path, &json!([]), "at least 1 item", "0");
        }
        refused_at(&path, &items(&path, most + 1), &format!("at most {most} items"), &(most + 1).to_string());
        checked += 1;
    }
    assert_eq!(checked, 5);
}

#[test]
fn each_bound_of_a_text_is_that_of_the_table() {
    let bounds = keys().into_iter().filter_map(|(path, key)| match key.bound {
        Bound::Bytes { least, most } => Some((path, least, most)),
        _ => None,
    });
    let expected = [
        ("judge.criteria[].name".to_owned(), 1, 64),
        ("feedback.secret".to_owned(), 16, usize::MAX),
        ("redact[].regex".to_owned(), 1, 128),
    ];
    assert_eq!(bounds.collect::<Vec<_>>(), expected);
    let text = |bytes: usize| json!("a".repeat(bytes));
    let filled = "a string that is not empty";
    accepted_at("judge.criteria[].name", &text(1));
    accepted_at("judge.criteria[].name", &text(64));
    refused_at("judge.criteria[].name", &text(0), filled, "an empty string");
    refused_at("judge.criteria[].name", &text(65), "at most 64 letters", "65");
    accepted_at("feedback.secret", &text(16));
    accepted_at("feedback.secret", &text(1000));
    refused_at("feedback.secret", &text(15), "random text of at least 16 bytes", "15 bytes");
    accepted_at("feedback.secret", &json!([text(16), text(17), text(18), text(19)]));
    accepted_at("redact[].regex", &text(1));
    accepted_at("redact[].regex", &text(128));
    refused_at("redact[].regex", &text(0), filled, "an empty string");
    refused_at("redact[].regex", &text(129), "at most 128 bytes", "129");
}
