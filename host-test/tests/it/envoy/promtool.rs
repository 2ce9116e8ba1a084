//! Prometheus' own check of our metrics in Envoy: `promtool check metrics`, from Debian's package.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use llm_gauge_engine::metrics::{self, Metric, MetricKind};
use serde_json::json;
use simulators::judge::{JudgeBehaviour, JudgeServer};
use simulators::load::{Protocol, Request};
use simulators::provider::Provider;
use simulators::receiver;

use super::rig::{Rig, chat, run, shipped};

/// A configuration in which every metric of ours appears: prices for one model, and room for one tenant.
const CONFIGURATION: &str = r#"{
    "match": [{"path": "/v1/*", "provider": "openai"}],
    "labels": [{"name": "tenant", "header": "x-tenant", "max_values": 1}],
    "prices": {"rows": [{"provider": "openai", "match": "priced", "input": "2.5", "output": "10"}]}
}"#;

/// The result of promtool for a scrape.
pub(super) enum Opinion {
    /// promtool is not installed.
    Absent,
    /// promtool can read the scrape, and reports these lints.
    Read(Vec<String>),
    /// promtool cannot read the scrape, so Prometheus would ingest nothing.
    Refused(String),
}

/// Runs promtool. If it is missing, the skipped test is reported directly, since the test's output is captured.
pub(super) fn opinion(test: &str, scrape: &str) -> Opinion {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        let words = format!("SKIPPED: {test} needs promtool (Debian: apt-get install prometheus)\n");
        std::io::stderr().write_all(words.as_bytes()).unwrap();
        return Opinion::Absent;
    };
    // promtool reads everything before it writes, so neither waits for the other. It may close the pipe at an error.
    let fed = child.stdin.take().unwrap().write_all(scrape.as_bytes());
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    match output.status.code() {
        // 3 means that there are lints.
        Some(0 | 3) => {
            fed.unwrap();
            Opinion::Read(words.lines().map(str::to_owned).collect())
        }
        _ => Opinion::Refused(words),
    }
}

/// Returns our part of a scrape, since Envoy's own metrics are not ours to check.
fn ours(scrape: &str) -> String {
    let name = |line: &str| line.trim_start_matches("# TYPE ").trim_start_matches("# HELP ").to_owned();
    let lines = scrape.lines().filter(|line| name(line).starts_with("llm_"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The lint that promtool reports for every metric: Envoy writes no HELP lines, and filters cannot provide one.
fn no_help(metric: &Metric) -> String {
    format!("{} no help text", metric.name)
}

/// Returns the lints that are accepted for a metric. Any other is a bug of ours.
fn accepted(metric: &Metric) -> Vec<String> {
    let name = metric.name;
    let mut lines = vec![no_help(metric)];
    // Envoy's stats are whole numbers: in seconds, nearly every time to the first token would be 0 or 1.
    for unit in ["milliseconds", "microseconds"].into_iter().filter(|unit| name.ends_with(unit)) {
        lines.push(format!("{name} use base unit \"seconds\" instead of \"{unit}\""));
        // promtool counts every unit with a prefix as an abbreviation.
        lines.push(format!("{name} metric names should not contain abbreviated units"));
    }
    // In `llm_gauge_`, gauge is the name of this product, not the type of the metric. promtool only looks at the word.
    if name.starts_with("llm_gauge_") {
        lines.push(format!("{name} metric name should not include type 'gauge'"));
    }
    lines
}

#[test]
fn every_metric_passes_but_for_lints_with_a_reason() {
    run(async {
        let provider = Provider::start().await.unwrap();
        let mut bootstrap = shipped().await.configuration(CONFIGURATION).unwrap().label("tenant").unwrap();
        // Two judges that never agree; the second one uses a cluster that this test does not need otherwise.
        let judges = [
            JudgeServer::start(JudgeBehaviour::Always(5)).await.unwrap(),
            JudgeServer::start(JudgeBehaviour::Always(1)).await.unwrap(),
        ];
        let changes = json!({
            "model": "priced", "headers": {}, "sample_rate": 1, "context": [{"header": "x-rag"}], "panel": "on",
            "judges": [{"cluster": "anthropic", "model": "priced"}],
        });
        bootstrap =
            bootstrap.judged(changes).unwrap().with_feedback(&json!({"secret": "0123456789abcdef"})).unwrap();
        // The receiver refuses everything.
        let receiver = receiver::Receiver::start(receiver::ReceiverBehaviour::Status(400)).await.unwrap();
        bootstrap = bootstrap.exporting(receiver.address(), json!({"batch": {"max_items": 1}})).unwrap();
        let addresses = [provider.address(), judges[0].address(), judges[1].address()];
        for (cluster, address) in ["openai", "judge", "anthropic"].into_iter().zip(addresses) {
            bootstrap = bootstrap.upstream(cluster, address, Protocol::Http1).unwrap();
        }
        let rig = Rig::over(provider, bootstrap).await;
        for (model, stream, script, tenant) in [
            ("priced", true, "input=30; cached=10; output=9; reasoning=4", "a"),
            ("unpriced", false, "", "a"),
            ("unpriced", false, "status=429", "b"),
            ("unpriced", false, "truncate", "c"),
        ] {
            let request =
                chat(model, stream, script).header("x-tenant", tenant).header("x-rag", "It is blue.");
            let answer = rig.send(Protocol::Http1, request).await.finish().await;
            let rated = json!({"request_id": answer.header("x-llm-request-id"), "rating": 5});
            rig.send(Protocol::Http1, Request::post("/feedback", &rated)).await.finish().await;
        }
        // No format is known there.
        rig.send(Protocol::Http1, Request::post("/v1/orders", &json!({}))).await.finish().await;
        let family = |metric: &Metric| match metric.kind {
            MetricKind::Histogram => format!("{}_count", metric.name),
            MetricKind::Counter | MetricKind::Gauge => metric.name.to_owned(),
        };
        // All metrics have to appear, because a metric that promtool never saw would pass.
        let whole = rig.envoy.admin().until(|stats| {
            let missing = metrics::ALL.iter().filter(|metric| {
                let family = family(metric);
                stats.only(|series| series.name == family).is_empty()
            });
            missing.map(|metric| format!("{} is missing", metric.name)).collect()
        });
        whole.await.unwrap();
        let scrape = rig.envoy.admin().get("/stats/prometheus").await.unwrap();
        let lints = match opinion("every_metric_passes", &ours(&scrape)) {
            Opinion::Absent => return,
            Opinion::Read(lints) => lints.into_iter().collect::<BTreeSet<_>>(),
            Opinion::Refused(words) => panic!("{words}{}", ours(&scrape)),
        };
        let accepted: BTreeSet<_> = metrics::ALL.iter().flat_map(accepted).collect();
        assert_eq!(lints.difference(&accepted).collect::<Vec<_>>(), [""; 0]);
        // promtool has checked each of them. Other lints differ between its releases.
        let unseen = metrics::ALL.iter().filter(|metric| !lints.contains(&no_help(metric)));
        assert_eq!(unseen.map(|metric| metric.name).collect::<Vec<_>>(), [""; 0]);
        let Opinion::Read(_) = opinion("every_metric_passes", &scrape) else {
            panic!("Prometheus cannot read the whole scrape:\n{scrape}");
        };
    });
}

/// A scrape with a duplicate metric or an unterminated label is refused, so the test above would fail on it.
#[test]
fn a_scrape_that_cannot_be_read_is_refused() {
    let family = "# TYPE llm_requests_total counter\nllm_requests_total{model=\"a\"} 1\n";
    for (scrape, words) in [
        (family.repeat(2), "second TYPE line"),
        ("llm_requests_total{model=\"a} 1\n".to_owned(), "text format parsing error"),
    ] {
        match opinion("a_scrape_that_cannot_be_read", &scrape) {
            Opinion::Absent => return,
            Opinion::Read(lints) => panic!("{scrape} was read: {lints:?}"),
            Opinion::Refused(said) => assert!(said.contains(words), "{said}"),
        }
    }
}
