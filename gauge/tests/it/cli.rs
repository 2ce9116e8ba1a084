//! The `gauge` command, run as a user runs it.

use std::process::{Command, Output};

fn gauge(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gauge")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn check_says_which_key_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plugin.json");
    let path = file.to_str().unwrap();
    for (configuration, code, said) in [
        (r#"{"models":{"max_series":0}}"#, 1, "models.max_series: expected a number of at least 1, got 0\n"),
        (r#"{"models":{"max_series":1}}"#, 0, "good\n"),
    ] {
        std::fs::write(&file, configuration).unwrap();
        let output = gauge(&["check", path]);
        assert_eq!(output.status.code(), Some(code));
        let stream = if code == 0 { &output.stdout } else { &output.stderr };
        assert_eq!(text(stream), format!("{path}: {said}"));
    }
}

#[test]
fn what_cannot_be_done_is_said_and_not_tried() {
    for (arguments, said) in [
        (&["check", "/nowhere"][..], "cannot read /nowhere"),
        (&["build", "--component", "--portable"], "cannot be used with"),
        (&["prices", "--date", "tomorrow"], "expected a day such as 2026-11-23"),
        (&["prices", "--all", "--providers", "x"], "cannot be used with"),
    ] {
        let output = gauge(arguments);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{:?}", output.status);
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
        assert_eq!(output.stdout, b"");
    }
}
