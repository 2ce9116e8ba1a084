//! `cargo replay`, run as by a user.

use std::collections::BTreeSet;
use std::io;
use std::process::{Command, Output};

use serde_json::{Value, json};
use simulators::case::COMPARED;
use simulators::workspace::cases_dir;

fn replay(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_replay")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn own(case: &str) -> String {
    cases_dir().join(case).to_str().unwrap().to_owned()
}

#[test]
fn replay_prints_one_object_a_case() {
    let cases = [own("openai_chat/unary.case.json"), own("openai_chat/stream-bad-event.case.json")];
    let output = replay(&["--json", "--split", "every", &cases[0], &cases[1]]);
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
        let output = replay(&["--json", "--split", "7", "--host", host, &case]);
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

    let output = replay(&[folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("    input_tokens: expected 12, got 11\n"),
        "{}",
        text(&output.stdout)
    );
    assert_eq!(text(&output.stderr), "0 of 1 cases as expected\n");
}

#[test]
fn replay_without_each_rule_reports_the_rules_that_no_case_needs() {
    let all = replay(&["--without-each-rule", "replicate_predictions"]);
    assert_eq!(text(&all.stderr), "4 of 4 rules are needed by a case\n");
    assert_eq!(all.status.code(), Some(0));
    assert!(text(&all.stdout).starts_with("request\n  ✓ model: Model\n"), "{}", text(&all.stdout));

    let case = own("replicate_predictions/unary.case.json");
    let one = replay(&["--without-each-rule", "replicate_predictions", &case]);
    assert_eq!((one.status.code(), text(&one.stderr)), (Some(1), "0 of 4 rules are needed by a case\n"));
    let list = "no case needs\n  request: model: Model\n  response: error: Error\n  \
                response: error.type: ErrorType\n  response: error.code: ErrorCode\n";
    assert!(text(&one.stdout).ends_with(list), "{}", text(&one.stdout));

    let json = replay(&["--without-each-rule", "replicate_predictions", "--json", &case]);
    let rules: Vec<Value> =
        text(&json.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rules.len(), 4);
    assert_eq!(rules[1], json!({"part": "response", "rule": "error: Error", "needed_by": null}));
}

#[test]
fn invalid_arguments_are_reported_before_anything_runs() {
    for (arguments, said) in [
        (&[".", "--split", "0"][..], "expected `every` or a number of bytes"),
        (&[".", "--split", "all"], "expected `every` or a number of bytes"),
        (&[], "required arguments were not provided"),
        (&["--without-each-rule", "acme"], "expected one of aleph_alpha_complete, "),
        (&["--without-each-rule", "rerank", "--split", "every"], "cannot be used with"),
        (&["/nowhere"], "there is nothing at /nowhere"),
    ] {
        let output = replay(arguments);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{:?}", output.status);
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
        assert_eq!(output.stdout, b"");
    }
}

/// As in `cargo replay | head`, when `head` has read enough. A shell then reports 141 for other programs.
#[test]
fn a_closed_pipe_for_results_ends_a_replay_silently() {
    for json in [&[][..], &["--json"]] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
        let output = command.arg(own("openai_chat")).args(json).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(141), ""));
    }
}
