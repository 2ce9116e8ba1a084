//! The shipped configuration: Envoy's validation of it, the errors for a wrong one, and the access log that it writes.

use std::time::Duration;

use llm_gauge_engine::metrics::{self, MetricKind};
use serde_json::{Value, json};
use simulators::envoy::{Bootstrap, validate};
use simulators::load::{Protocol, Request};

use super::rig::{Rig, Setup, chat, refusing_address, run, shipped};

async fn validated(bootstrap: Bootstrap) -> (bool, String) {
    tokio::task::spawn_blocking(|| validate(bootstrap)).await.unwrap().unwrap()
}

#[test]
fn the_shipped_bootstrap_is_valid() {
    run(async {
        let (valid, words) = validated(shipped().await).await;
        assert!(valid, "{words}");
        let (valid, words) = validated(shipped().await.configuration("{}").unwrap()).await;
        assert!(valid, "{words}");
        let (valid, words) = validated(shipped().await.rate_limited().unwrap()).await;
        assert!(valid, "with envoy/ratelimit.yaml: {words}");
        let exporting = shipped().await.exporting(refusing_address(), json!({})).unwrap();
        let (valid, words) = validated(exporting).await;
        assert!(valid, "with envoy/telemetry.yaml: {words}");
    });
}

#[test]
fn a_wrong_plugin_configuration_names_the_key() {
    run(async {
        for (configuration, path) in [
            (r#"{"models": {"max_serie": 5}}"#, "models.max_serie"),
            (r#"{"match": [{"path": "/v1/x"}, {"path": 7}]}"#, "match[1].path"),
            (r#"{"telemetry": {"cluster": "otel", "batch": {"max_item": 1}}}"#, "telemetry.batch.max_item"),
            (r#"{"redact": ["email", {"name": "x", "regex": "("}]}"#, "redact[1].regex"),
        ] {
            let (valid, words) = validated(shipped().await.configuration(configuration).unwrap()).await;
            assert!(!valid, "{configuration} was accepted");
            assert!(words.contains(path), "{configuration}: nothing of {path} in\n{words}");
        }
    });
}

/// Every emitted metric has to be split into labels and buckets. A missing entry would leave the labels in the metric's
/// name.
#[test]
fn every_label_and_histogram_has_its_entry() {
    let bootstrap = Bootstrap::shipped().unwrap();
    let stats = &bootstrap.document()["stats_config"];
    let entries = |list: &str| stats[list].as_array().unwrap().clone();
    let tags = entries("stats_tags");
    for label in metrics::label_names() {
        let regex = format!(r"(\.{label}=\.=(.*?);\.;)");
        let entry = json!({"tag_name": label, "regex": regex});
        assert!(tags.contains(&entry), "no stats_tags entry {entry}");
    }
    let buckets = entries("histogram_bucket_settings");
    for metric in metrics::ALL.iter().filter(|metric| metric.kind == MetricKind::Histogram) {
        let prefix = format!("wasmcustom.{}", metric.name);
        assert!(buckets.iter().any(|entry| entry["match"]["prefix"] == prefix), "no buckets for {prefix}");
    }
}

/// Returns the lines of the access log that satisfy `wanted`, once there are `count`. Every line has to be JSON,
/// including those of other tests.
async fn logged(rig: &Rig, count: usize, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    // Envoy writes its log in the background: retry for at most ten seconds.
    for _ in 0..500 {
        let log = rig.envoy.access_log().unwrap();
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let found: Vec<Value> = whole.lines().map(parse).filter(&wanted).collect();
        if found.len() >= count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{count} lines expected in the access log:\n{}", rig.envoy.access_log().unwrap());
}

#[test]
fn the_access_log_is_json_whatever_clients_send() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        // Every value that a client chooses tries to end the string that it is written into.
        let model = "log\"},\n{\"\\";
        let request = chat(model, true, "input=30; output=9").header("x-request-id", "a\"b\\");
        let answer = rig.ask(Protocol::Http1, request.header("user-agent", "\"}")).await;
        assert_eq!(answer.status, 200);
        let mut left = rig.send(Protocol::Http1, chat(model, true, "stall_after=2")).await;
        left.events(3).await;
        drop(left);
        let lines = logged(&rig, 2, |line| line["llm"]["request_model"] == model).await;
        let (whole, cut) = (&lines[0], &lines[1]);
        assert_eq!((&whole["code"], &whole["llm"]["status"]), (&json!(200), &json!("success")));
        assert_eq!((&whole["llm"]["input_tokens"], &whole["llm"]["total_tokens"]), (&json!(30), &json!(39)));
        assert_eq!(whole["llm"]["request_id"], answer.header("x-llm-request-id"));
        assert_eq!((&cut["flags"], &cut["llm"]["status"]), (&json!("DC"), &json!("cancelled")));
    });
}

#[test]
fn the_access_log_has_failures_and_what_is_not_metered() {
    run(async {
        let rig = Rig::shared(Setup::Refused).await;
        let refused = rig.send(Protocol::Http2, chat("log-refused", false, "")).await.finish().await;
        assert_eq!(refused.status, 503);
        let lines = logged(&rig, 1, |line| line["llm"]["request_model"] == "log-refused").await;
        let line = &lines[0];
        assert_eq!((&line["code"], &line["flags"]), (&json!(503), &json!("UF")));
        assert_eq!((&line["llm"]["error"], &line["attempts"]), (&json!("upstream_connect"), &json!(1)));

        let nowhere = rig.send(Protocol::Http1, Request::get("/nowhere")).await.finish().await;
        assert_eq!(nowhere.status, 404);
        let lines = logged(&rig, 1, |line| line["path"] == "/nowhere").await;
        assert_eq!((&lines[0]["code"], &lines[0]["flags"]), (&json!(404), &json!("NR")));
        assert_eq!(lines[0].get("llm"), None);
    });
}
