//! Errors of `feedback`, `telemetry` and `redact`.

use super::{accepted, refused};

#[test]
fn feedback_paths_have_no_query_and_no_pattern() {
    for path in ["feedback", "/a?b", "/a/*", "/a#b"] {
        refused(
            &format!(r#"{{"feedback":{{"path":"{path}"}}}}"#),
            &format!(
                "feedback.path: expected a path such as `/feedback`, without a query or a pattern, got `{path}`"
            ),
        );
    }
}

#[test]
fn feedback_origins_have_the_form_that_browsers_send() {
    let cors = |cors: &str, message: &str| {
        refused(&format!(r#"{{"feedback":{{"cors":{cors}}}}}"#), &format!("feedback.cors.origins{message}"));
    };
    let origin = "expected an origin such as `https://app.example`, without a path";
    cors("{}", ": expected a list, got nothing");
    cors(r#"{"origins":"*"}"#, ": expected a list, got `*`");
    cors(r#"{"origins":["*","app.example"]}"#, &format!("[1]: {origin}, got `app.example`"));
    cors(r#"{"origins":["https://app.example/"]}"#, &format!("[0]: {origin}, got `https://app.example/`"));
    cors(r#"{"origins":[7]}"#, &format!("[0]: {origin}, got 7"));
}

/// Asserts the error of a `telemetry` with these keys beside a cluster.
#[track_caller]
fn telemetry_refused(keys: &str, message: &str) {
    refused(&format!(r#"{{"telemetry":{{"cluster":"c",{keys}}}}}"#), &format!("telemetry.{message}"));
}

#[test]
fn telemetry_is_refused_with_its_key() {
    refused(r#"{"telemetry":{}}"#, "telemetry.cluster: expected a string that is not empty, got nothing");
    for path in ["v1", "/otel/", "/"] {
        telemetry_refused(
            &format!(r#""path":"{path}""#),
            &format!("path: expected a prefix of `/v1/traces` such as `/api/otel`, got `{path}`"),
        );
    }
    telemetry_refused(r#""encoding":"xml""#, "encoding: expected one of `protobuf`, `json`, got `xml`");
    telemetry_refused(r#""compression":"br""#, "compression: expected one of `none`, `gzip`, got `br`");
    telemetry_refused(
        r#""attributes":"all""#,
        "attributes: expected one of `gen_ai`, `openinference`, `both`, got `all`",
    );
    telemetry_refused(r#""content":"some""#, "content: expected one of `none`, `sampled`, `all`, got `some`");
    telemetry_refused(
        r#""content":"sampled""#,
        "content: expected `none` or `all` without a `judge`, got `sampled`",
    );
    telemetry_refused(
        r#""traces":"off","events":"off""#,
        "events: expected `on` if `traces` is `off`, got `off`",
    );
    telemetry_refused(r#""root_spans":1"#, "root_spans: expected `on` or `off`, got 1");
}

#[test]
fn redactions_are_refused_with_their_item() {
    let redact = |items: &str, message: &str| {
        refused(&format!(r#"{{"redact":[{items}]}}"#), &format!("redact[{message}"));
    };
    redact(
        r#""email","mail""#,
        "1]: expected one of `email`, `card`, `phone`, `api_key`, `ssn`, or an object, got `mail`",
    );
    redact(r#"{"name":"x"}"#, "0].regex: expected a string that is not empty, got nothing");
    redact(r#"{"regex":"x"}"#, "0].name: expected a string that is not empty, got nothing");
    redact(
        r#"{"name":"X","regex":"x"}"#,
        "0].name: expected lower-case letters, digits and _, a letter first, got `X`",
    );
    redact(
        r#"{"name":"x","regex":"x*"}"#,
        "0].regex: expected a pattern that does not match the empty text, got `x*`",
    );
    redact(
        r#"{"name":"x","regex":"("}"#,
        "0].regex: expected a regular expression, got `(`: found open group without closing ')'",
    );
    redact(
        r#"{"name":"x","regex":"(a{1,99}){1,99}"}"#,
        "0].regex: expected a regular expression, got `(a{1,99}){1,99}`: compiled regex exceeded size limit",
    );
    accepted(r#"{"redact":["email",{"name":"order","regex":"\\bORD-[0-9]{4,}\\b"}]}"#);
}
