//! `promtool` on the rules: their syntax, and the tests beside them.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::{alerts, envoy, names, programs, rules, said, word, yaml};

#[test]
fn promtool_takes_every_file() {
    let Some(programs) = programs("promtool_takes_every_file") else { return };
    let (good, words) =
        said(Command::new(&programs.promtool).arg("check").arg("rules").arg(envoy("prometheus/rules.yaml")));
    assert!(good && words.contains(&format!("SUCCESS: {} rules found", rules().len())), "{words}");
    let (good, words) = said(
        Command::new(&programs.promtool).arg("check").arg("config").arg(envoy("prometheus/prometheus.yaml")),
    );
    assert!(good, "{words}");
}

/// Each file in its own process: on a machine with several cores they run in parallel.
#[test]
fn every_rule_passes_its_tests() {
    let Some(programs) = programs("every_rule_passes_its_tests") else { return };
    let run = |name: &String| {
        let file = envoy("prometheus/tests").join(format!("{name}.yaml"));
        let (good, words) = said(Command::new(&programs.promtool).arg("test").arg("rules").arg(file));
        (!good).then(|| format!("{name}: {words}"))
    };
    let names = names("prometheus/tests", ".yaml");
    let failed: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = names.iter().map(|name| scope.spawn(move || run(name))).collect();
        running.into_iter().filter_map(|running| running.join().unwrap()).collect()
    });
    assert_eq!(failed, [""; 0]);
}

/// Returns the promtool tests: the expected alerts with their times, and the tested expressions.
fn tests() -> Vec<Value> {
    let files = names("prometheus/tests", ".yaml").into_iter();
    let documents = files.map(|name| yaml(&format!("prometheus/tests/{name}.yaml")));
    documents.flat_map(|document| document["tests"].as_array().unwrap().clone()).collect()
}

/// Every alert has a test in which it does not fire, fires, and is resolved; and tests in which it never fires, for
/// lack of traffic or of cause.
#[test]
fn every_alert_is_tested_in_all_four_ways() {
    let tests = tests();
    let mut missing = Vec::new();
    for alert in alerts() {
        let name = word(&alert["alert"]);
        let ways = tests.iter().filter_map(|test| {
            let looks = test["alert_rule_test"].as_array()?.iter().filter(|look| look["alertname"] == name);
            let way: String =
                looks.map(|look| if look["exp_alerts"].is_array() { 'F' } else { '-' }).collect();
            (!way.is_empty()).then_some(way)
        });
        let ways: Vec<_> = ways.collect();
        let has_whole_way = ways.iter().any(|way| way.contains("-F") && way.ends_with("F-"));
        let has_none = ways.iter().any(|way| !way.contains('F'));
        // Alerts without a threshold and without traffic: on the absence of a series.
        let is_bare = matches!(name, "LLMGaugeAbsent" | "LLMGaugeSeriesOverflow" | "LLMGaugeDropping");
        if !has_whole_way || !(has_none || is_bare) {
            missing.push(format!("{name}: {ways:?}"));
        }
    }
    assert_eq!(missing, [""; 0]);
}

/// Every recorded series has a test of its value.
#[test]
fn every_recorded_series_is_tested() {
    let tests = tests();
    let looks = tests.iter().filter_map(|test| test["promql_expr_test"].as_array()).flatten();
    let with_values = looks.filter(|look| look["exp_samples"].is_array());
    let expressions: Vec<_> = with_values.map(|look| word(&look["expr"]).to_owned()).collect();
    let mut recorded = BTreeMap::new();
    for rule in rules().iter().filter(|rule| rule.get("record").is_some()) {
        let name = word(&rule["record"]);
        // All thresholds are tested in one test.
        let is_tested = name.starts_with("llm:threshold:")
            || expressions.iter().any(|expression| expression.contains(name));
        recorded.insert(name.to_owned(), is_tested);
    }
    let untested: Vec<_> =
        recorded.into_iter().filter(|(_, is_tested)| !is_tested).map(|(name, _)| name).collect();
    assert_eq!(untested, [""; 0]);
}
