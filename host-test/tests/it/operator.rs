//! The operator's files, tested with the operator's programs: rules, routes, dashboards, runbooks, and all of them at
//! once.
//!
//! A missing program skips a test, which is reported; if `CI` is `true`, the test fails.

mod alertmanager;
mod dashboards;
mod files;
mod live;
mod rules;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use gauge::observe::servers::Programs;
use serde_json::Value;
use simulators::workspace::workspace_dir;

/// Returns Prometheus' and Alertmanager's programs; `None` if they are missing.
fn programs(test: &str) -> Option<Programs> {
    match Programs::find() {
        Ok(programs) => Some(programs),
        Err(error) => skip(test, &format!("{error:#}")),
    }
}

/// Reports a skipped test. It is written directly, since the test's output is captured.
fn skip<T>(test: &str, reason: &str) -> Option<T> {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{test}: {reason}");
    std::io::stderr().write_all(format!("SKIPPED: {test}: {reason}\n").as_bytes()).unwrap();
    None
}

/// Returns whether a program succeeded, and its output.
fn said(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = [output.stdout, output.stderr].map(|words| String::from_utf8_lossy(&words).into_owned());
    (output.status.success(), words.concat())
}

fn envoy(file: &str) -> PathBuf {
    workspace_dir().join("envoy").join(file)
}

fn text(file: &str) -> String {
    let path = envoy(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml(file: &str) -> Value {
    serde_saphyr::from_str(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Returns the files of a folder of `envoy/` with this extension, by name.
fn names(folder: &str, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(envoy(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect();
    names.sort();
    assert!(!names.is_empty(), "no {ending} in {folder}");
    names
}

/// Returns every rule of the shipped file.
fn rules() -> Vec<Value> {
    let document = yaml("prometheus/rules.yaml");
    let groups = document["groups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// Returns the alerts among the rules.
fn alerts() -> Vec<Value> {
    rules().into_iter().filter(|rule| rule.get("alert").is_some()).collect()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
