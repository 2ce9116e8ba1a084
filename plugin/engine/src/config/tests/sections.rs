//! Errors of the small sections and of prices.

use super::{accepted, refused};

#[test]
fn errors_of_choices_and_switches_list_the_accepted_words() {
    for value in ["\"on\"", "true", "\"off\"", "false"] {
        let is_on = value == "\"on\"" || value == "true";
        assert_eq!(accepted(&format!(r#"{{"estimate":{value}}}"#)).estimates(), is_on, "{value}");
    }
    refused(r#"{"estimate":"maybe"}"#, "estimate: expected `on` or `off`, got `maybe`");
    refused(r#"{"estimate":1}"#, "estimate: expected `on` or `off`, got 1");
    refused(
        r#"{"streaming":{"usage":"guess"}}"#,
        "streaming.usage: expected one of `observe`, `request`, got `guess`",
    );
    refused(r#"{"streaming":{"usage":1}}"#, "streaming.usage: expected one of `observe`, `request`, got 1");
}

#[test]
fn names_of_formats_and_of_filter_state_are_listed() {
    refused(
        r#"{"match":[{"format":"openai_chat"},{"format":"nope"}]}"#,
        &format!("match[1].format: expected one of {}, got `nope`", crate::formats::names()),
    );
    refused(
        r#"{"filter_state":["status","tokens"]}"#,
        "filter_state[1]: expected one of `record`, `request_id`, `provider`, `operation`, `request_model`, `model`, \
         `response_model`, `status`, `error`, `source`, `finish_reasons`, `response_id`, `input_tokens`, \
         `output_tokens`, `cached_input_tokens`, `reasoning_tokens`, `cost_nanodollars`, `duration_ms`, \
         `first_byte_ms`, `first_token_ms`, `first_answer_ms`, got `tokens`",
    );
}

#[test]
fn missing_keys_are_named() {
    refused(r#"{"labels":[{"name":"a1"}]}"#, "labels[0].header: expected a string, got nothing");
    refused(r#"{"labels":[{"header":"a"}]}"#, "labels[0].name: expected a string, got nothing");
    refused(
        r#"{"models":{"rename":[{"to":"a"}]}}"#,
        "models.rename[0].match: expected a string, got nothing",
    );
    refused(
        r#"{"models":{"rename":[{"match":"a"}]}}"#,
        "models.rename[0].to: expected a string, got nothing",
    );
    accepted(r#"{"models":{"rename":[{"match":"","to":""}]}}"#);
}

#[test]
fn label_names_must_be_distinguishable() {
    let label = |name: &str, expected: &str| {
        let document =
            format!(r#"{{"labels":[{{"name":"tenant","header":"x"}},{{"name":"{name}","header":"y"}}]}}"#);
        let got = if name.is_empty() { "an empty string".to_owned() } else { format!("`{name}`") };
        refused(&document, &format!("labels[1].name: expected {expected}, got {got}"));
    };
    for name in ["", "Tenant", "1a", "a-b", "_x", "é"] {
        label(name, "lower-case letters, digits and _, a letter first");
    }
    for (name, other) in [
        ("tenant", "tenant"),
        ("sub_tenant", "tenant"),
        ("nant", "tenant"),
        ("model", "model"),
        ("my_model", "model"),
        ("core", "score"),
    ] {
        label(name, &format!("a name that neither ends with the label `{other}` nor ends it"));
    }
    for name in ["request_id", "input_tokens", "total_tokens", "sampled", "le"] {
        label(name, "a name other than `le` and the fields of filter state `json`");
    }
}

#[test]
fn label_headers_are_in_lower_case() {
    let header = |header: &str, got: &str| {
        let document = format!(r#"{{"labels":[{{"name":"tenant","header":"{header}"}}]}}"#);
        refused(&document, &format!("labels[0].header: expected a header name in lower case, got {got}"));
    };
    header("X-Tenant", "`X-Tenant`");
    header("", "an empty string");
}

/// Asserts the error of a second row after a valid first one.
#[track_caller]
fn row_refused(row: &str, message: &str) {
    let good = r#"{"provider":"p","match":"a","input":"1"}"#;
    refused(&format!(r#"{{"prices":{{"rows":[{good},{row}]}}}}"#), &format!("prices.rows[1]{message}"));
}

#[test]
fn prices_are_refused_with_their_row() {
    let price = "expected USD per million tokens as a string, such as \"2.5\", or \"1.25 >200000 2.5\" with a second \
                 price above 200000 input tokens";
    row_refused(r#"{"provider":"p","match":"b","input":2.5}"#, &format!(".input: {price}, got 2.5"));
    row_refused(r#"{"provider":"p","match":"b","input":null}"#, &format!(".input: {price}, got null"));
    row_refused(r#"{"provider":"p","match":"b","output":"1,5"}"#, &format!(".output: {price}, got `1,5`"));
    let star = "expected `*` only at the ends of a name";
    row_refused(r#"{"provider":"p","match":"a b*c"}"#, &format!(".match: {star}, got `b*c`"));
    row_refused(r#"{"provider":"p","match":"b","except":"c*d"}"#, &format!(".except: {star}, got `c*d`"));
    row_refused(r#"{"match":"b"}"#, ".provider: expected a string that is not empty, got nothing");
    row_refused(r#"{"provider":"p"}"#, ".match: expected a string that is not empty, got nothing");
    row_refused(
        r#"{"provider":"p","match":""}"#,
        ".match: expected a string that is not empty, got an empty string",
    );
    row_refused(r#"["p"]"#, ": expected an object, got a list");
}

#[test]
fn prices_need_rows_of_the_providers_they_name() {
    refused(r#"{"prices":{}}"#, "prices.rows: expected a list, got nothing");
    refused(
        r#"{"prices":{"rows":[],"providers":{"cloud":"acme"}}}"#,
        "prices.providers.cloud: expected providers that have rows, got `acme`",
    );
    refused(
        r#"{"prices":{"rows":[],"providers":{"cloud":7}}}"#,
        "prices.providers.cloud: expected a string, got 7",
    );
    refused(r#"{"prices":{"rows":[],"notice":7}}"#, "prices.notice: expected a string, got 7");
}
