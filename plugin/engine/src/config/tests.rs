//! Tests of the errors that operators read, and of the table of keys against the parser.

mod document;
mod exports;
mod judge;
mod rows;
mod secrets;
mod sections;
mod table;

use super::*;

/// Asserts the complete error of a document.
#[track_caller]
fn refused(document: &str, message: &str) {
    let error = Policy::parse(document.as_bytes()).map(|_| "accepted").unwrap_err();
    assert_eq!(error.to_string(), message, "{document}");
}

/// Asserts that a document compiles.
#[track_caller]
fn accepted(document: &str) -> Policy {
    Policy::parse(document.as_bytes()).unwrap_or_else(|error| panic!("{document}: {error}"))
}

#[test]
fn config_error_displays_path_expected_and_got() {
    let error = |path: &str| ConfigError::new(path.to_owned(), "at most 120000", "900000").to_string();
    assert_eq!(error("judge.timeout_ms"), "judge.timeout_ms: expected at most 120000, got 900000");
    assert_eq!(error(""), "expected at most 120000, got 900000");
}
