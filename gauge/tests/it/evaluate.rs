//! `cargo gauge evaluate`, run as in CI, with every behaviour of a judge's server.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use simulators::judge::{JudgeBehaviour, JudgeServer};
use simulators::workspace::cases_dir;
use tokio::runtime::Runtime;

const KEY: &str = "sk-a-secret-key";

/// Two answers to be judged, one of them without context, and an exchange without an answer.
fn recordings() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    for (name, context, answer) in
        [("grounded", "<context>It is 120 metres tall.</context>", "120 metres."), ("bare", "", "Tall.")]
    {
        let case = json!({
            "request": {"method": "POST", "host": "api.openai.com", "path": "/v1/chat/completions"},
            "response": {"status": 200, "content_type": "application/json"},
            "expected": {},
        });
        put(&format!("{name}.case.json"), case.to_string());
        let question =
            json!({"model": "m", "messages": [{"role": "user", "content": format!("How tall?{context}")}]});
        put(&format!("{name}.request.json"), question.to_string());
        let choice = json!({"index": 0, "message": {"content": answer}, "finish_reason": "stop"});
        put(&format!("{name}.response.body"), json!({"choices": [choice]}).to_string());
    }
    let error = cases_dir().join("openai_chat/error-html");
    for ending in ["case.json", "response.body"] {
        std::fs::copy(error.with_extension(ending), folder.path().join(format!("refused.{ending}"))).unwrap();
    }
    folder
}

/// A judge's server with its runtime, and the recordings.
struct Rig {
    /// The runtime that the server runs on.
    _runtime: Runtime,
    server: JudgeServer,
    recordings: tempfile::TempDir,
}

impl Rig {
    fn new(manner: JudgeBehaviour) -> Self {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(JudgeServer::start(manner)).unwrap();
        Self { _runtime: runtime, server, recordings: recordings() }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let judge = format!("http://{}", self.server.address());
        evaluate(self.recordings.path(), &judge, "", arguments)
    }
}

fn evaluate(recordings: &Path, judge: &str, key: &str, arguments: &[&str]) -> Output {
    let mut gauge = Command::new(env!("CARGO_BIN_EXE_gauge"));
    gauge.arg("evaluate").arg(recordings).args(["--judge", judge, "--judge-model", "grader"]);
    gauge.args(arguments).env("JUDGE_API_KEY", key).output().unwrap()
}

/// Returns the reported failures.
fn failures(output: &Output) -> Vec<String> {
    let said = text(&output.stderr).lines().filter_map(|line| line.strip_prefix("failed: "));
    said.map(str::to_owned).collect()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn met_thresholds_pass_the_gate() {
    let rig = Rig::new(JudgeBehaviour::Always(4));
    let output = rig.run(&["--fail-below", "faithfulness=4,relevance=3.5", "--json"]);
    assert_eq!((output.status.code(), failures(&output)), (Some(0), vec![]), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["outcomes"], json!({"not_applicable": 1, "scored": 2}));
    assert_eq!(report["means"]["faithfulness"], json!({"mean": 4.0, "scores": 1}));
    assert_eq!(report["means"]["relevance"], json!({"mean": 4.0, "scores": 2}));
    assert_eq!((&report["hallucination"], &report["judge_input_tokens"]), (&json!(0.0), &json!(800)));
    let cases: Vec<_> = report["exchanges"].as_array().unwrap().iter().map(|it| &it["case"]).collect();
    assert_eq!(cases, ["bare", "grounded", "refused"]);
    assert_eq!(rig.server.requests(), 2);
}

#[test]
fn a_missed_threshold_fails_the_gate_and_is_reported() {
    let rig = Rig::new(JudgeBehaviour::Always(4));
    let file = rig.recordings.path().join("report.xml");
    let output = rig.run(&["--fail-below", "faithfulness=4.5", "--junit", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(failures(&output), ["faithfulness: expected a mean of at least 4.5, got 4.00"]);
    let table = text(&output.stdout);
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    let means = table.lines().find(|line| line.starts_with("mean ")).unwrap();
    let means: Vec<_> = means.split_whitespace().collect();
    assert_eq!(means, ["mean", "2", "scored", "4.00", "4.00", "4.00", "0", "%"]);
    let junit = std::fs::read_to_string(file).unwrap();
    assert!(junit.contains("<failure message=\"expected a mean of at least 4.5, got 4.00\"/>"), "{junit}");
}

#[test]
fn a_busy_judge_is_retried() {
    let rig = Rig::new(JudgeBehaviour::Busy(3));
    let output = rig.run(&["--jobs", "1", "--fail-below", "completeness=1"]);
    assert_eq!((output.status.code(), failures(&output)), (Some(0), vec![]));
    assert_eq!(rig.server.requests(), 5, "three that were refused, and two that were not");
    let rig = Rig::new(JudgeBehaviour::Busy(u64::MAX));
    let output = rig.run(&["--jobs", "1"]);
    assert_eq!(failures(&output), ["2 of 3 exchanges: the judge answered with status 429"]);
    assert_eq!(rig.server.requests(), 8, "four tries each");
}

#[test]
fn a_failing_judge_fails_the_gate() {
    let rig = Rig::new(JudgeBehaviour::Status(500));
    let output = rig.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(failures(&output), ["2 of 3 exchanges: the judge answered with status 500"]);

    let rig = Rig::new(JudgeBehaviour::Prose);
    let output = rig.run(&["--fail-below", "relevance=1"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(failures(&output), ["relevance: expected a mean of at least 1, got no score"]);
    assert!(text(&output.stdout).contains("invalid_verdict"), "{}", text(&output.stdout));

    // A port that was just released.
    let address = Rig::new(JudgeBehaviour::Verdict).server.address();
    let output = evaluate(rig.recordings.path(), &format!("http://{address}"), "", &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = failures(&output).concat();
    assert!(
        said.starts_with(&format!("2 of 3 exchanges: cannot reach the judge at http://{address}")),
        "{said}"
    );
}

#[test]
fn the_key_goes_to_the_judge_and_nowhere_else() {
    let rig = Rig::new(JudgeBehaviour::Keyed(KEY));
    let judge = format!("http://{}", rig.server.address());
    for (key, code) in [(KEY, 0), ("sk-another-that-is-wrong", 1)] {
        let file = rig.recordings.path().join("report.xml");
        let output =
            evaluate(rig.recordings.path(), &judge, key, &["--json", "--junit", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        let said =
            [text(&output.stdout), text(&output.stderr), &std::fs::read_to_string(file).unwrap()].concat();
        assert!(!said.contains("sk-"), "{said}");
    }
}

#[test]
fn invalid_arguments_exit_with_status_two() {
    let folder = recordings();
    let config = folder.path().join("gauge.json");
    std::fs::write(&config, r#"{"judge":{"criteria":[{"name":"tone","definition":"polite"}]}}"#).unwrap();
    let config = config.to_str().unwrap();
    let (folder, judge) = (folder.path().to_str().unwrap(), "http://127.0.0.1:9");
    for (arguments, said) in [
        (&[folder, "--judge", judge][..], "expected the model of the judge: --judge-model NAME"),
        (&[folder, "--judge", "api.openai.com"], "expected a URL such as `https://api.openai.com`"),
        (&["/nowhere", "--judge", judge, "--judge-model", "m"], "there is nothing at /nowhere"),
        (
            &[folder, "--judge", judge, "--judge-model", "m", "--fail-below", "tone=3"],
            "expected one of faithfulness, relevance, completeness",
        ),
        (
            &[
                folder,
                "--judge",
                judge,
                "--judge-model",
                "m",
                "--config",
                config,
                "--fail-below",
                "relevance=3",
            ],
            "expected one of tone",
        ),
        (
            &[folder, "--judge", judge, "--judge-model", "m", "--fail-below", "relevance=6"],
            "a mean from 1 to 5",
        ),
        (&[folder, "--judge", judge, "--judge-model", "m", "--jobs", "0"], "0 is not in 1..=64"),
        (&[folder], "required arguments were not provided"),
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_gauge")).arg("evaluate").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
        assert_eq!(output.stdout, b"");
    }
}
