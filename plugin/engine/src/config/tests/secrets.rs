//! No error repeats a secret.

use super::{accepted, refused};
use crate::config::table;

/// Asserts the error of a document, and that it repeats nothing of the secret in it.
#[track_caller]
fn refused_without_secret(document: &str, message: &str) {
    refused(document, message);
    assert!(document.contains("s3cret") || document.contains("31337"), "{document} has no secret");
    for secret in ["s3cret", "31337"] {
        assert!(!message.contains(secret), "{message}");
    }
}

#[test]
fn secrets_of_feedback_are_never_repeated() {
    let secret = |value: &str, message: &str| {
        refused_without_secret(
            &format!(r#"{{"feedback":{{"secret":{value}}}}}"#),
            &format!("feedback.secret{message}"),
        );
    };
    let random = "expected random text of at least 16 bytes, got";
    secret(r#""s3cret""#, &format!(": {random} 6 bytes"));
    secret("31337", &format!(": {random} a number"));
    secret(r#"{"a":"s3cret"}"#, &format!(": {random} an object"));
    secret(r#"["s3cret-s3cret-s3cret","s3cret"]"#, &format!("[1]: {random} 6 bytes"));
    secret(r#"["s3cret-s3cret-s3cret",31337]"#, &format!("[1]: {random} a number"));
    secret(
        r#"["s3cret","s3cret","s3cret","s3cret","s3cret"]"#,
        ": expected one secret or a list of 1 to 4, got a list of 5",
    );
    refused(
        r#"{"feedback":{"secret":[]}}"#,
        "feedback.secret: expected one secret or a list of 1 to 4, got a list of 0",
    );
}

#[test]
fn values_of_headers_are_never_repeated() {
    let target = r#""cluster":"c","model":"m""#;
    for (path, before, after) in [
        ("judge.headers", format!("{{\"judge\":{{{target},\"headers\":"), "}}"),
        (
            "judge.judges[0].headers",
            format!("{{\"judge\":{{{target},\"judges\":[{{{target},\"headers\":"),
            "}]}}",
        ),
        ("telemetry.headers", "{\"telemetry\":{\"cluster\":\"c\",\"headers\":".to_owned(), "}}"),
    ] {
        let headers = |value: &str, message: &str| {
            refused_without_secret(&[&before, value, after].concat(), &format!("{path}{message}"));
        };
        headers(r#""x-api-key: s3cret""#, ": expected an object, got a string");
        headers(r#"["x-api-key: s3cret"]"#, ": expected an object, got a list");
        headers("31337", ": expected an object, got a number");
        headers(r#"{"x-api-key":31337}"#, ".x-api-key: expected a string, got a number");
        headers(r#"{"x-api-key":["s3cret"]}"#, ".x-api-key: expected a string, got a list");
        headers(
            r#"{"x-api-key":"s3cret\n"}"#,
            ".x-api-key: expected a string without control characters, got one with them",
        );
        headers(
            r#"{"x-api-key: s3cret":""}"#,
            ": expected header names of lower-case letters, digits, - and _, got a name with another character",
        );
        headers(
            r#"{"content-type":"s3cret"}"#,
            ".content-type: expected a header that the filter does not set itself, got `content-type`",
        );
        headers(
            r#"{"content-encoding":"s3cret"}"#,
            ".content-encoding: expected a header that the filter does not set itself, got `content-encoding`",
        );
        let good = [&before, r#"{"x-api-key":"s3cret"}"#, after].concat();
        assert!(!format!("{:?}", accepted(&good)).contains("s3cret"));
    }
}

#[test]
fn unknown_keys_are_repeated_without_their_value() {
    let document = r#"{"feedback":{"secrets":"s3cret"}}"#;
    refused_without_secret(
        document,
        "feedback.secrets: expected one of `path`, `secret`, `max_bytes`, `per_minute`, `max_age_hours`, `cors`, got \
         `secrets`",
    );
}

#[test]
fn the_table_marks_the_secret_keys() {
    let rows = table::rows();
    let paths: Vec<_> = rows.iter().filter(|row| row.is_secret).map(|row| row.path.as_str()).collect();
    assert_eq!(paths, ["judge.headers", "judge.judges[].headers", "feedback.secret", "telemetry.headers"]);
}

#[test]
fn placeholders_of_examples_are_refused() {
    let got = "expected a secret of your own, got the placeholder of an example";
    refused(
        r#"{"feedback":{"secret":["CHANGE-to-the-output-of-openssl-rand-hex-32"]}}"#,
        &format!("feedback.secret[0]: {got}"),
    );
    refused(r#"{"feedback":{"secret":"changeme"}}"#, &format!("feedback.secret: {got}"));
    for value in ["Bearer CHANGE", "CHANGE-ME", "change_me", "Basic changeme"] {
        refused(
            &format!(r#"{{"telemetry":{{"cluster":"c","headers":{{"authorization":"{value}"}}}}}}"#),
            &format!("telemetry.headers.authorization: {got}"),
        );
    }
    accepted(r#"{"feedback":{"secret":"change the world, twice"}}"#);
    accepted(r#"{"telemetry":{"cluster":"c","headers":{"x-scope":"INTERCHANGE exchanges"}}}"#);
}
