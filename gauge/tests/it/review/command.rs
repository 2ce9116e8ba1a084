//! `cargo gauge review`, run as a user runs it.

use std::process::{Command, Output};

use super::*;
use collector::review::sample::{SamplePlan, Shift};
use serde_json::Value;

fn review(made: &TestDatabase, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gauge"));
    command.args(["review", "--db"]).arg(made.path()).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Returns a database with a fall in one week of eight.
fn falling(week: usize) -> TestDatabase {
    let mut plan = SamplePlan::steady(1, 8, 300);
    plan.models[0].shifts = vec![Shift { criterion: "relevance", weeks: week..8, points: 0.5 }];
    let mut made = TestDatabase::new();
    plan.keep(&mut made.store).unwrap();
    made
}

#[test]
fn new_drift_is_an_exit_code_with_fail_on_drift() {
    let new = falling(7);
    assert_eq!(review(&new, &[]).status.code(), Some(0));
    assert_eq!(review(&new, &["--fail-on-drift"]).status.code(), Some(2));
    let old = falling(4);
    assert_eq!(review(&old, &["--fail-on-drift"]).status.code(), Some(0));
}

#[test]
fn the_last_week_is_new_until_the_next_is_over() {
    let mut made = falling(6);
    let last = SamplePlan::shown().first.plus(7).start_ns();
    let is_new = |made: &TestDatabase, now_ns| {
        let review = review::read(&made.path(), 8, now_ns).unwrap();
        review.drifts.iter().map(|drift| review.is_new(drift.week)).collect::<Vec<_>>()
    };
    assert_eq!(is_new(&made, last + HOUR_NS), [true]);
    assert_eq!(is_new(&made, last + 7 * 24 * HOUR_NS), [false]);
    made.keep(vec![span(1, "new", SamplePlan::shown().first.plus(8), 0)], Vec::new());
    assert_eq!(is_new(&made, last + 8 * 24 * HOUR_NS), [false]);
}

#[test]
fn a_page_a_picture_and_json_are_written() {
    let made = falling(5);
    let file = |name: &str| made.folder.path().join(name).to_str().unwrap().to_owned();
    let output =
        review(&made, &["--weeks", "3", "--html", &file("a.html"), "--svg", &file("a.svg"), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["weeks"].as_array().unwrap().len(), 3);
    assert_eq!(json["drifts"][0]["measure"], "relevance");
    assert!(std::fs::read_to_string(file("a.html")).unwrap().starts_with("<!DOCTYPE html>"));
    assert!(std::fs::read_to_string(file("a.svg")).unwrap().starts_with("<svg xmlns="));
    assert_eq!(text(&output.stderr).lines().count(), 2);
}

#[cfg(unix)]
#[test]
fn a_review_can_be_read_by_its_owner_alone_whatever_was_there_before() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    let made = falling(5);
    let file = |name: &str| made.folder.path().join(name);
    std::fs::write(file("old.html"), "old").unwrap();
    std::fs::set_permissions(file("old.html"), std::fs::Permissions::from_mode(0o644)).unwrap();
    symlink("old.html", file("link.html")).unwrap();
    let old = std::fs::File::open(file("old.html")).unwrap();
    let arguments =
        ["--html", file("link.html").to_str().unwrap(), "--svg", file("new.svg").to_str().unwrap()]
            .map(str::to_owned);
    let output = review(&made, &arguments.each_ref().map(String::as_str));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mode = |name: &str| std::fs::symlink_metadata(file(name)).unwrap().mode() & 0o777;
    assert_eq!([mode("old.html"), mode("new.svg")], [0o600; 2]);
    // A reader that had the old file open cannot read the new one.
    assert_eq!(std::io::read_to_string(old).unwrap(), "old");
    assert!(file("link.html").is_symlink());
    assert!(std::fs::read_to_string(file("old.html")).unwrap().starts_with("<!DOCTYPE html>"));
    let names = std::fs::read_dir(made.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().ends_with(".new")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_sample_is_only_written_to_a_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.db");
    let sample = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gauge"));
        command.args(["review", "--sample"]).arg(&file).output().unwrap()
    };
    assert_eq!(sample().status.code(), Some(0));
    let first = review::read(&file, 8, NOW_NS).unwrap();
    assert_eq!(first.models.len(), 3);
    let again = sample();
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("already exists"), "{}", text(&again.stderr));
    assert_eq!(review::read(&file, 8, NOW_NS).unwrap(), first);
}

#[test]
fn invalid_databases_and_arguments_are_reported() {
    let made = TestDatabase::new();
    let output = Command::new(env!("CARGO_BIN_EXE_gauge")).arg("review").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--db <FILE>"), "{}", text(&output.stderr));
    let output = review(&made, &["--weeks", "0"]);
    assert!(text(&output.stderr).contains("0 is not in 1..=520"), "{}", text(&output.stderr));
    let output = review(&made, &["--html", "/nowhere/a.html"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot write /nowhere/a.html"), "{}", text(&output.stderr));
    assert_eq!(output.stdout, b"");
}
