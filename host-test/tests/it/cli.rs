//! The `gauge` command, run as a user runs it.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use host_test::case::COMPARED;
use serde_json::{Value, json};

use crate::common;

fn gauge(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gauge")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn own(case: &str) -> String {
    common::cases_dir().join(case).to_str().unwrap().to_owned()
}

#[test]
fn replay_prints_one_object_a_case() {
    let cases = [own("openai_chat/unary.case.json"), own("openai_chat/stream-bad-event.case.json")];
    let output = gauge(&["replay", "--json", "--split", "every", &cases[0], &cases[1]]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let objects: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let named: Vec<_> =
        objects.iter().map(|object| (&object["folder"], &object["case"], &object["gaps"])).collect();
    assert_eq!(
        named,
        [
            (&json!("openai_chat"), &json!("stream-bad-event"), &json!(["malformed"])),
            (&json!("openai_chat"), &json!("unary"), &json!([])),
        ]
    );
    for object in &objects {
        let record: BTreeSet<_> = object["record"].as_object().unwrap().keys().map(String::as_str).collect();
        let missing: Vec<_> =
            COMPARED.iter().chain(&["source"]).filter(|field| !record.contains(**field)).collect();
        assert_eq!(missing, [&""; 0]);
        assert_eq!(object["body_unchanged"], true);
        assert!(object["fuel"].as_u64().unwrap() > 1_000);
    }
    let requests = r#"llm_requests_total{provider="openai",model="gpt-4o-mini",operation="chat",status="success",error="none"}"#;
    assert_eq!(objects[1]["metrics"][requests], 1);
    assert_eq!(text(&output.stderr), "2 of 2 cases as expected\n");
}

#[test]
fn replay_in_the_component_prints_the_same_records_and_no_metrics() {
    let case = own("openai_chat/unary.case.json");
    let [filter, component] = ["proxy-wasm", "component"].map(|host| -> Value {
        let output = gauge(&["replay", "--json", "--split", "7", "--host", host, &case]);
        assert_eq!(text(&output.stderr), "1 of 1 cases as expected\n");
        serde_json::from_slice(&output.stdout).unwrap()
    });
    assert_eq!(component["record"], filter["record"]);
    assert_eq!((&component["metrics"], &component["body_unchanged"]), (&json!({}), &json!(true)));
    assert!(component["fuel"].as_u64().unwrap() > 1_000);
}

#[test]
fn replay_fails_where_a_case_expects_something_else() {
    let folder = tempfile::tempdir().unwrap();
    for ending in ["case.json", "request.json", "response.body"] {
        let from = own(&format!("openai_chat/unary.{ending}"));
        std::fs::copy(from, folder.path().join(format!("wrong.{ending}"))).unwrap();
    }
    let file = folder.path().join("wrong.case.json");
    let case = std::fs::read_to_string(&file).unwrap();
    assert!(case.contains("\"input_tokens\": 11"));
    std::fs::write(&file, case.replace("\"input_tokens\": 11", "\"input_tokens\": 12")).unwrap();

    let output = gauge(&["replay", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("    input_tokens: expected 12, got 11\n"),
        "{}",
        text(&output.stdout)
    );
    assert_eq!(text(&output.stderr), "0 of 1 cases as expected\n");
}

#[test]
fn check_names_the_wrong_key_and_explains_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plugin.json");
    let path = file.to_str().unwrap();
    for (configuration, code, said) in [
        (
            r#"{"models":{"max_series":0}}"#,
            1,
            "models.max_series: expected at least 1, got 0\n\nmodels.max_series\n  Models with series of their own. \
             Further models are counted as `other`.\n  type:    whole number\n  default: 200\n  \
             bound:   1 to 4294967295\n",
        ),
        ("[]", 1, "expected an object, got a list\n"),
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
fn check_explains_keys() {
    let output = gauge(&["check", "--explain", "judge.rules[0].sample_rate"]);
    assert_eq!(
        text(&output.stdout),
        "judge.rules[].sample_rate\n  Share of the matching exchanges that are scored.\n  type:    number\n  \
         default: required\n  bound:   0 to 1\n"
    );
    let output = gauge(&["check", "--explain", "judge.budget"]);
    let text = text(&output.stdout);
    assert_eq!((output.status.code(), text.lines().count()), (Some(0), 8), "{text}");
    assert!(text.ends_with(
        "  keys:\n    judge.budget.calls_per_minute    Calls to judges.\n    judge.budget.tokens_per_hour     \
         Tokens that judges read and write.\n    judge.budget.usd_per_hour        Cost of judges. Each judge's model \
         needs a row in `prices`.\n"
    ));
}

#[test]
fn what_cannot_be_done_is_said_and_not_tried() {
    for (arguments, said) in [
        (&["replay", ".", "--split", "0"][..], "expected `every` or a number of bytes"),
        (&["replay", ".", "--split", "all"], "expected `every` or a number of bytes"),
        (&["replay"], "required arguments were not provided"),
        (&["replay", "/nowhere"], "there is nothing at /nowhere"),
        (&["check", "/nowhere"], "cannot read /nowhere"),
        (&["check"], "required arguments were not provided"),
        (&["check", "a", "--explain", "b"], "cannot be used with"),
        (
            &["check", "--explain", "streaming.x"],
            "--explain: expected a key in `streaming`, got `streaming.x`; there are: streaming.usage",
        ),
        (
            &["check", "--explain", "x"],
            "--explain: expected a key of the document, got `x`; there are: service, match,",
        ),
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
