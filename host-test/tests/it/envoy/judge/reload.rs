//! A new configuration while calls of the old one are in flight.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::envoy::{Envoy, Stats};
use simulators::judge::{JudgeBehaviour, JudgeServer};
use simulators::load::{Client, Protocol, Request};
use simulators::provider::{Provider, script};

use super::super::rig::{Rig, run};
use super::{MODEL, judged, outcomes, question, send};

/// Starts a rig whose listeners can be replaced.
async fn rig(judge: &JudgeServer, changes: Value) -> Rig {
    let provider = Provider::start().await.unwrap();
    let bootstrap = judged(&provider, judge.address(), changes).await;
    let bootstrap = bootstrap.flush_every(Duration::from_millis(100)).unwrap();
    Rig::around(provider, Envoy::start_reloadable(bootstrap, 2).await.unwrap())
}

/// Replaces the listeners by those with these changes, and waits until this counter has at least this value.
async fn reload(rig: &Rig, judge: &JudgeServer, changes: Value, counter: &str, least: f64) {
    let bootstrap = judged(&rig.provider, judge.address(), changes).await;
    let bootstrap = bootstrap.flush_every(Duration::from_millis(100)).unwrap();
    rig.envoy.reload(bootstrap).unwrap();
    until(rig, |stats| {
        let found = stats.sum(counter, &[]);
        if found >= least { Vec::new() } else { vec![format!("{counter} is {found}")] }
    })
    .await;
}

async fn until(rig: &Rig, missing: impl Fn(&Stats) -> Vec<String>) {
    let waited = rig.envoy.admin().until(missing).await;
    waited.unwrap_or_else(|error| panic!("{error:#}\n{}", rig.envoy.log().unwrap_or_default()));
}

/// Sends exchanges on new connections, which the current listener accepts.
async fn send_anew(rig: &Rig, count: usize) {
    for protocol in [Protocol::Http1, Protocol::Http2].into_iter().cycle().take(count) {
        let client = Client::new(rig.envoy.listener(), protocol);
        let answer = client.send(question(false)).await.unwrap().finish().await;
        rig.is_the_providers(&answer);
    }
}

async fn until_asked(judge: &JudgeServer, count: u64, rig: &Rig) {
    until(rig, |_| {
        let asked = judge.requests();
        if asked == count { Vec::new() } else { vec![format!("the judge was asked {asked} times")] }
    })
    .await;
}

/// Waits until this many configurations are active.
async fn until_active(rig: &Rig, count: f64) {
    until(rig, |stats| {
        let active = stats.sum("llm_gauge_build_info", &[]);
        if active == count { Vec::new() } else { vec![format!("{active} configurations are active")] }
    })
    .await;
}

#[test]
fn a_new_configuration_takes_over_and_the_old_one_waits_for_its_answers() {
    run(async {
        let judge = JudgeServer::start(JudgeBehaviour::Held).await.unwrap();
        let rig = rig(&judge, json!({"timeout_ms": 60_000})).await;
        send(&rig, 6).await;
        until_asked(&judge, 6, &rig).await;
        // One more exchange is active while the listener changes.
        let slow = json!({"model": MODEL, "stream": true, "messages": [{"role": "user", "content": "Which words?<context>few</context>"}]});
        let slow = Request::post("/v1/chat/completions", &slow)
            .header(script::HEADER, "input=12; output=9; first_ms=0; token_ms=60");
        let mut stream = rig.send(Protocol::Http1, slow).await;
        stream.events(1).await;
        let changes = json!({"timeout_ms": 60_000, "hallucination": "off"});
        reload(&rig, &judge, changes, "envoy_listener_manager_listener_in_place_updated", 1.0).await;
        rig.is_the_providers(&stream.finish().await);
        send_anew(&rig, 4).await;
        until_asked(&judge, 11, &rig).await;
        // The old filter chain is gone with all its connections, but its plugin still waits.
        until(&rig, |stats| {
            let draining = stats.sum("envoy_listener_manager_total_filter_chains_draining", &[]);
            if draining == 0.0 { Vec::new() } else { vec![format!("{draining} filter chains are draining")] }
        })
        .await;
        judge.release();
        let stats = outcomes(&rig, 11, &[("scored", 11)]).await;
        let scored = stats.sum("llm_evaluations_total", &[("criterion", "faithfulness")]);
        // Each was judged with the rubric of its own configuration.
        assert_eq!((scored, stats.sum("llm_hallucinations_total", &[])), (11.0, 7.0));
        assert_eq!(judge.requests(), 11);
        assert_eq!(stats.sum("llm_requests_total", &[]), 11.0);
        // The gauge of the old configuration is 0.
        until_active(&rig, 1.0).await;
    });
}

#[test]
fn a_configuration_that_is_refused_changes_nothing() {
    run(async {
        let judge = JudgeServer::start(JudgeBehaviour::Held).await.unwrap();
        let rig = rig(&judge, json!({"timeout_ms": 60_000})).await;
        send(&rig, 3).await;
        until_asked(&judge, 3, &rig).await;
        let refused = "envoy_listener_manager_lds_update_rejected";
        reload(&rig, &judge, json!({"sample_rate": 7}), refused, 1.0).await;
        let log = rig.envoy.log().unwrap();
        assert!(log.contains("configuration refused: judge.sample_rate: expected at most 1, got 7"), "{log}");
        // Existing connections and new ones continue with the old configuration.
        send(&rig, 2).await;
        send_anew(&rig, 2).await;
        judge.release();
        let stats = outcomes(&rig, 7, &[("scored", 7)]).await;
        assert_eq!(stats.sum("llm_hallucinations_total", &[]), 7.0);
        // The refused one has none, and the one that stays is still active.
        until_active(&rig, 1.0).await;
    });
}
