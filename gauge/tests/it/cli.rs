//! The `gauge` command, run as by a user.

use std::io;
use std::process::{Command, Output};

use simulators::workspace::workspace_dir;

fn gauge(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gauge")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
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
    assert_eq!(
        text(&output.stdout),
        "judge.budget\n  What judging may cost, over all workers.\n  type:    object\n  default: {}\n  keys:\n    \
         judge.budget.calls_per_minute    Calls to judges.\n    \
         judge.budget.tokens_per_hour     Tokens that judges read and write.\n    \
         judge.budget.usd_per_hour        Cost of judges. Each judge's model needs a row in `prices`.\n"
    );
    assert_eq!(output.status.code(), Some(0));
}

/// The commands that run wasm are built and started by cargo, with the features of everything else, so that after
/// `cargo test` no dependency of theirs but a small one is left to build.
#[test]
fn replay_and_component_builds_are_handed_to_the_wasm_host() {
    let cases = workspace_dir().join("host-test/cases/replicate_predictions");
    let output = gauge(&["replay", cases.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let count = text(&output.stdout).lines().filter(|line| line.starts_with('✓')).count();
    assert!(text(&output.stderr).ends_with(&format!("{count} of {count} cases as expected\n")));

    let output = gauge(&["build", "--component"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let first = text(&output.stdout).lines().next().unwrap().to_owned();
    assert!(first.ends_with("llm_gauge.component.wasm"), "{first}");
}

#[test]
fn formats_lists_every_row_within_the_columns_of_a_terminal() {
    let output = gauge(&["formats"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    let lines: Vec<_> = text(&output.stdout).lines().collect();
    for format in llm_gauge_engine::formats::ALL {
        let title = format!("{} ({})", format.name, format.operation.name());
        assert!(lines.contains(&title.as_str()), "{title}");
    }
    assert_eq!(lines[..2], ["aleph_alpha_complete (text_completion)", "  api.aleph-alpha.com*/complete"]);
    let place = lines.iter().position(|line| *line == "providers known by their hosts").unwrap();
    assert!(lines[place + 1].starts_with("  aleph-alpha alibaba anthropic avian aws.bedrock "), "{lines:?}");
    assert!(lines.iter().all(|line| line.len() <= 80), "{lines:?}");
}

#[test]
fn new_case_writes_a_case_and_refuses_its_name_after_that() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (body, cases) = (path("events.txt"), path("cases"));
    std::fs::write(&body, "{\"response\":\"The \",\"done\":false}\n{\"response\":\"Elbe.\",\"done\":true}\n")
        .unwrap();
    let arguments =
        ["new-case", "ollama_generate", "stream", &body, "--cases", &cases, "--about", "A stream."];
    let case = path("cases/ollama_generate/stream.case.json");
    let output = gauge(&arguments);
    assert_eq!((text(&output.stdout), output.status.code()), (format!("{case}\n").as_str(), Some(0)));
    let written: serde_json::Value = serde_json::from_slice(&std::fs::read(&case).unwrap()).unwrap();
    assert_eq!((&written["about"], &written["request"]["host"]), (&"A stream.".into(), &"ollama.com".into()));
    assert_eq!(written["response"]["content_type"], "application/x-ndjson");
    assert_eq!(
        (&written["expected"]["content_chunks"], &written["expected"]["complete"]),
        (&2.into(), &true.into())
    );
    let output = gauge(&arguments);
    assert_eq!(output.status.code(), Some(1));
    let said = format!("{case}: expected a new name, got that of a case");
    assert!(text(&output.stderr).contains(&said), "{}", text(&output.stderr));
}

#[test]
fn invalid_arguments_are_reported_before_anything_runs() {
    for (arguments, said) in [
        (&["check", "/nowhere"][..], "cannot read /nowhere"),
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
        (&["new-case", "acme", "unary", "/nowhere"], "FORMAT: expected one of aleph_alpha_complete, "),
        (&["new-case", "rerank", "unary", "/nowhere"], "cannot read /nowhere"),
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

/// As in `cargo gauge review | head`, when `head` has read enough. A shell then reports 141 for other programs.
#[test]
fn a_closed_pipe_for_results_ends_a_command_silently() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (sample, configuration) = (path("sample.db"), path("plugin.json"));
    assert!(gauge(&["review", "--sample", &sample]).status.success());
    std::fs::write(&configuration, "{}").unwrap();
    let rules = workspace_dir().join("envoy/prometheus/rules.yaml");
    for arguments in [
        &["review", "--db", &sample][..],
        &["review", "--db", &sample, "--json"],
        &["prometheus-rule", "--rules", rules.to_str().unwrap()],
        &["check", &configuration],
    ] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_gauge"));
        let output = command.args(arguments).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(141), ""), "{arguments:?}");
    }
}

/// Progress is optional: a command continues if the reader of its progress has closed the pipe.
#[test]
fn a_closed_pipe_for_progress_does_not_stop_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let sample = folder.path().join("sample.db");
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_gauge"));
    let made = command.args(["review", "--sample"]).arg(&sample).stderr(writer).status().unwrap();
    assert_eq!(made.code(), Some(0));
    assert!(sample.is_file());
}
