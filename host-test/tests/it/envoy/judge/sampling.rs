//! A trace is judged by every worker of every proxy, or by none.

use std::collections::BTreeMap;

use serde_json::json;
use simulators::envoy::Stats;
use simulators::judge::{JudgeBehaviour, JudgeServer};
use simulators::load::{Client, Protocol, Request};
use simulators::provider::script;

use super::super::rig::{Rig, run};
use super::rig;

/// The number of traces. Each has its own model, by which it is counted.
const TRACES: u32 = 40;

/// The number of connections of each trace: enough for each of two workers to get some.
const CONNECTIONS: usize = 12;

fn request(trace: u32) -> Request {
    let content = "Which words are there? <context>The words are few</context>";
    let model = format!("trace-{trace}");
    let body = json!({"model": model, "stream": false, "messages": [{"role": "user", "content": content}]});
    Request::post("/v1/chat/completions", &body)
        .header(script::HEADER, "input=12; output=9; first_ms=0; token_ms=0")
        .header("traceparent", &format!("00-{trace:032x}-00f067aa0ba902b7-01"))
}

/// Returns the share of judged exchanges of each trace.
async fn judged(rig: &Rig) -> BTreeMap<u32, f64> {
    let connections = (0..CONNECTIONS).map(|_| Client::new(rig.envoy.listener(), Protocol::Http1));
    for client in connections.collect::<Vec<_>>() {
        for trace in 1..=TRACES {
            let answer = client.send(request(trace)).await.unwrap().finish().await;
            rig.is_the_providers(&answer);
        }
    }
    let all = f64::from(TRACES) * CONNECTIONS as f64;
    let stats = rig.envoy.admin().until(|stats: &Stats| {
        let [requests, sampled, outcomes] =
            ["llm_requests_total", "llm_judge_sampled_total", "llm_judge_outcomes_total"]
                .map(|metric| stats.sum(metric, &[]));
        if requests == all && sampled == outcomes {
            Vec::new()
        } else {
            vec![format!("{requests} of {all} have ended, {outcomes} of {sampled} have an outcome")]
        }
    });
    let stats = stats.await.unwrap();
    for worker in ["0", "1"] {
        let connections =
            stats.sum("envoy_listener_worker_downstream_cx_total", &[("envoy_worker_id", worker)]);
        assert!(connections > 0.0, "worker {worker} has had nothing to decide");
    }
    let sampled = |trace| {
        let model = format!("trace-{trace}");
        (trace, stats.sum("llm_judge_sampled_total", &[("model", model.as_str())]))
    };
    (1..=TRACES).map(sampled).collect()
}

#[test]
fn a_trace_is_judged_everywhere_or_nowhere() {
    run(async {
        let judge = JudgeServer::start(JudgeBehaviour::Verdict).await.unwrap();
        let mut proxies = Vec::new();
        for _ in 0..2 {
            let rig = rig(judge.address(), json!({"sample_rate": 0.5})).await;
            proxies.push(judged(&rig).await);
        }
        assert_eq!(proxies[0], proxies[1]);
        let [all, none] = [CONNECTIONS as f64, 0.0];
        assert!(proxies[0].values().all(|count| *count == all || *count == none), "{:?}", proxies[0]);
        let some = proxies[0].values().filter(|count| **count == all).count();
        assert!((10..=30).contains(&some), "{some} of {TRACES}");
    });
}
