//! The document as JSON, and its objects.

use super::{accepted, refused};

#[test]
fn invalid_json_is_refused_with_its_position() {
    let expected = "expected valid JSON, got";
    refused("{} x", &format!("{expected} trailing characters at line 1 column 4"));
    refused("{}{}", &format!("{expected} trailing characters at line 1 column 3"));
    refused("{", &format!("{expected} EOF while parsing an object at line 1 column 1"));
    refused("models: {}", &format!("{expected} expected value at line 1 column 1"));
    refused(r#"{"models":{"#, &format!("models: {expected} EOF while parsing an object at line 1 column 11"));
    refused(r#"{"service":"\x"}"#, &format!("service: {expected} invalid escape at line 1 column 14"));
    refused(
        r#"{"labels":[{},{"name":}]}"#,
        &format!("labels[1].name: {expected} expected value at line 1 column 23"),
    );
    assert!(super::Policy::parse(b"{\"service\":\"\xff\"}").is_err());
}

#[test]
fn repeated_keys_are_refused() {
    let expected = "expected at most 256 keys in an object, each once, got duplicate field";
    refused(r#"{"limits":{},"limits":{}}"#, &format!("{expected} `limits` at line 1 column 25"));
    refused(
        r#"{"judge":{"cluster":"c","model":"m","cluster":"d"}}"#,
        &format!("judge: {expected} `cluster` at line 1 column 50"),
    );
    refused(
        r#"{"prices":{"rows":[{"provider":"p","match":"m","input":"1","input":"1"}]}}"#,
        &format!("prices.rows[0]: {expected} `input` at line 1 column 71"),
    );
}

#[test]
fn objects_of_another_type_are_refused() {
    refused("[]", "expected an object, got a list");
    refused("1", "expected an object, got 1");
    refused("null", "expected an object, got null");
    refused(r#"{"models":7}"#, "models: expected an object, got 7");
    refused(r#"{"labels":{}}"#, "labels: expected a list, got an object");
    refused(r#"{"match":["a"]}"#, "match[0]: expected an object, got `a`");
    refused(r#"{"match":[["a"]]}"#, "match[0]: expected an object, got a list");
    refused(r#"{"judge":7}"#, "judge: expected an object, got 7");
    refused(
        r#"{"judge":{"cluster":"c","model":"m","budget":[]}}"#,
        "judge.budget: expected an object, got a list",
    );
    refused(r#"{"feedback":7}"#, "feedback: expected an object, got 7");
    refused(r#"{"feedback":{"cors":true}}"#, "feedback.cors: expected an object, got true");
    refused(r#"{"telemetry":1}"#, "telemetry: expected an object, got 1");
    refused(r#"{"redact":1}"#, "redact: expected a list, got 1");
    refused(r#"{"redact":[7]}"#, "redact[0]: expected the name of a pattern, or an object, got 7");
    refused(r#"{"prices":{"rows":["p"]}}"#, "prices.rows[0]: expected an object, got `p`");
}

#[test]
fn errors_repeat_values_of_another_type_unchanged() {
    let max_series = |value: &str, got: &str| {
        let document = format!(r#"{{"models":{{"max_series":{value}}}}}"#);
        refused(&document, &format!("models.max_series: expected a whole number, got {got}"));
    };
    max_series("\"9\"", "`9`");
    max_series("-1", "-1.0");
    max_series("9.0", "9.0");
    max_series("1.5e300", "1.5e300");
    max_series("true", "true");
    max_series("{}", "an object");
    max_series("\"\"", "an empty string");
    max_series(r#""a\nb""#, r"`a\nb`");
    max_series(&format!("\"{}\"", "é".repeat(99)), &format!("`{}...`", "é".repeat(32)));
    refused(r#"{"service":7}"#, "service: expected a string, got 7");
    refused(r#"{"models":{"known":["a",1]}}"#, "models.known[1]: expected a string, got 1");
}

#[test]
fn a_null_counts_as_an_absent_key() {
    for key in
        ["service", "match", "labels", "models", "streaming", "estimate", "prices", "judge", "feedback"]
    {
        accepted(&format!(r#"{{"{key}":null}}"#));
    }
    accepted(r#"{"telemetry":null,"redact":null,"filter_state":null,"limits":{"event_bytes":null}}"#);
    refused(
        r#"{"labels":[{"name":"a1","header":null}]}"#,
        "labels[0].header: expected a string, got nothing",
    );
}
