//! The judge in a real Envoy with two workers: scores, all faults of a judge's server, and unchanged bytes for clients
//! in every case.

mod crowd;
mod reload;
mod sampling;

use std::net::SocketAddr;

use serde_json::{Value, json};
use simulators::envoy::{Bootstrap, Stats};
use simulators::judge::{JudgeBehaviour, JudgeServer};
use simulators::load::{Protocol, Request};
use simulators::provider::{Provider, script};

use super::rig::{Rig, refusing_address, run, shipped};

const MODEL: &str = "judged";

/// Returns a question with context, to be answered with a few words.
fn question(stream: bool) -> Request {
    let content = "Which words are there? <context>The words are few</context>";
    let body = json!({"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": content}]});
    Request::post("/v1/chat/completions", &body)
        .header(script::HEADER, "input=12; output=9; first_ms=0; token_ms=0")
}

/// Returns a bootstrap that samples everything, with these changes, for this judge.
async fn judged(provider: &Provider, judge: SocketAddr, changes: Value) -> Bootstrap {
    let mut bootstrap: Bootstrap = shipped().await;
    for cluster in ["openai", "anthropic"] {
        bootstrap = bootstrap.upstream(cluster, provider.address(), Protocol::Http1).unwrap();
    }
    let mut all = json!({"sample_rate": 1, "budget": {"calls_per_minute": 1_000_000}});
    for (key, value) in changes.as_object().unwrap() {
        all[key] = value.clone();
    }
    bootstrap.judged(all).unwrap().upstream("judge", judge, Protocol::Http1).unwrap()
}

/// Starts an Envoy that samples everything, with this judge.
async fn rig(judge: SocketAddr, changes: Value) -> Rig {
    let provider = Provider::start().await.unwrap();
    let bootstrap = judged(&provider, judge, changes).await;
    Rig::over(provider, bootstrap).await
}

/// Sends a number of exchanges, whose bytes have to be the provider's.
async fn send(rig: &Rig, count: usize) {
    for number in 0..count {
        let protocol = if number % 2 == 0 { Protocol::Http1 } else { Protocol::Http2 };
        rig.ask(protocol, question(number % 3 == 0)).await;
    }
}

/// Waits until every sampled exchange has an outcome, and checks the number of each.
async fn outcomes(rig: &Rig, sampled: u64, expected: &[(&str, u64)]) -> Stats {
    let calls: u64 = expected.iter().filter(|(outcome, _)| *outcome == "scored").map(|(_, by)| by).sum();
    let waited = rig.envoy.admin().until(|stats: &Stats| {
        let mut missing = Vec::new();
        let counted = stats.sum("llm_judge_sampled_total", &[("model", MODEL)]);
        if counted != sampled as f64 {
            missing.push(format!("sampled: expected {sampled}, got {counted}"));
        }
        // Histograms are visible after the next flush.
        let (calls, asked) = (stats.sum("llm_judge_duration_milliseconds_count", &[]), calls as f64);
        if calls < asked {
            missing.push(format!("timed calls: expected {asked}, got {calls}"));
        }
        let all = stats.sum("llm_judge_outcomes_total", &[]);
        if all != counted {
            missing.push(format!("{all} outcomes of {counted} sampled"));
        }
        for (outcome, by) in expected {
            let found = stats.sum("llm_judge_outcomes_total", &[("model", MODEL), ("outcome", outcome)]);
            if found != *by as f64 {
                missing.push(format!("{outcome}: expected {by}, got {found}"));
            }
        }
        missing
    });
    waited.await.unwrap_or_else(|error| panic!("{error:#}\n{}", rig.envoy.log().unwrap_or_default()))
}

#[test]
fn sampled_answers_are_scored() {
    run(async {
        let judge = JudgeServer::start(JudgeBehaviour::Verdict).await.unwrap();
        let rig = rig(judge.address(), json!({})).await;
        send(&rig, 24).await;
        let stats = outcomes(&rig, 24, &[("scored", 24)]).await;
        assert_eq!(judge.requests(), 24);
        for criterion in ["faithfulness", "relevance", "completeness"] {
            let labels = [("model", MODEL), ("criterion", criterion)];
            assert_eq!(stats.sum("llm_evaluations_total", &labels), 24.0, "{criterion}");
            let points = stats.sum("llm_evaluation_points_total", &labels);
            let by_scores: f64 = (1..=5)
                .map(|score| {
                    let score_label = score.to_string();
                    let labels = [labels[0], labels[1], ("score", score_label.as_str())];
                    f64::from(score) * stats.sum("llm_evaluations_total", &labels)
                })
                .sum();
            assert_eq!(points, by_scores, "{criterion}");
        }
        assert_eq!(stats.sum("llm_hallucinations_total", &[]), 24.0);
        assert_eq!(stats.sum("llm_judge_tokens_total", &[("type", "input")]), 24.0 * 400.0);
        // The judge's own calls are not metered.
        assert_eq!(stats.sum("llm_requests_total", &[]), 24.0);
    });
}

#[test]
fn a_judge_in_trouble_is_counted_and_changes_nothing() {
    let cases = [
        (JudgeBehaviour::Status(500), "judge_error"),
        (JudgeBehaviour::Status(429), "judge_error"),
        (JudgeBehaviour::Prose, "invalid_verdict"),
        (JudgeBehaviour::Fenced, "invalid_verdict"),
        (JudgeBehaviour::Cut, "invalid_verdict"),
        (JudgeBehaviour::Long(1 << 20), "invalid_verdict"),
        // More than Envoy buffers of a response: it arrives without a head.
        (JudgeBehaviour::Long(33 << 20), "judge_error"),
        (JudgeBehaviour::Silent, "timeout"),
    ];
    run(async {
        for (manner, outcome) in cases {
            let judge = JudgeServer::start(manner).await.unwrap();
            let is_patient = matches!(manner, JudgeBehaviour::Long(_) | JudgeBehaviour::Status(_));
            let timeout_ms = if is_patient { 20_000 } else { 300 };
            let rig = rig(judge.address(), json!({"timeout_ms": timeout_ms})).await;
            send(&rig, 3).await;
            let stats = outcomes(&rig, 3, &[(outcome, 3)]).await;
            assert_eq!(stats.sum("llm_evaluations_total", &[]), 0.0, "{manner:?}");
        }
    });
}

#[test]
fn without_its_judge_traffic_flows() {
    run(async {
        let rig = rig(refusing_address(), json!({})).await;
        send(&rig, 3).await;
        outcomes(&rig, 3, &[("judge_error", 3)]).await;
        // A cluster that does not exist.
        let rig = self::rig(refusing_address(), json!({"cluster": "nowhere"})).await;
        send(&rig, 12).await;
        outcomes(&rig, 12, &[("judge_error", 12)]).await;
    });
}

#[test]
fn more_than_a_judge_can_do_is_dropped_and_counted() {
    run(async {
        let judge = JudgeServer::start(JudgeBehaviour::Silent).await.unwrap();
        let changes = json!({"max_in_flight": 1, "max_queue": 2, "timeout_ms": 60_000});
        let rig = rig(judge.address(), changes).await;
        send(&rig, 60).await;
        // Each worker with exchanges has one call in flight and two in the queue; the others are dropped at once.
        let waited = rig.envoy.admin().until(|stats: &Stats| {
            let full = stats.sum("llm_judge_outcomes_total", &[("outcome", "queue_full")]);
            let is_right = full == 54.0 || full == 57.0;
            if is_right { Vec::new() } else { vec![format!("{full} of 60 found no place")] }
        });
        waited.await.unwrap();
        assert!((1..=2).contains(&judge.requests()), "{}", judge.requests());
        // Once the judge is gone, the other calls end too.
        drop(judge);
        let stats = outcomes(&rig, 60, &[]).await;
        assert_eq!(stats.sum("llm_judge_outcomes_total", &[("outcome", "scored")]), 0.0);
    });
}

#[test]
fn the_budget_holds_for_all_workers() {
    run(async {
        let judge = JudgeServer::start(JudgeBehaviour::Verdict).await.unwrap();
        // The tokens of an hour: a minute may end in the middle of the test, an hour hardly does.
        let rig = rig(
            judge.address(),
            json!({"budget": {"calls_per_minute": 1_000_000, "tokens_per_hour": 20_000}}),
        )
        .await;
        send(&rig, 60).await;
        let stats = outcomes(&rig, 60, &[]).await;
        let scored = stats.sum("llm_judge_outcomes_total", &[("outcome", "scored")]);
        let over = stats.sum("llm_judge_outcomes_total", &[("outcome", "over_budget")]);
        assert_eq!(scored + over, 60.0);
        // A call costs 460 tokens, and about two thousand are reserved while it is in flight.
        assert!((30.0..=43.0).contains(&scored), "{scored}");
    });
}

#[test]
fn of_a_share_that_is_sampled_all_has_an_outcome() {
    run(async {
        let judge = JudgeServer::start(JudgeBehaviour::Verdict).await.unwrap();
        let rig = rig(judge.address(), json!({"sample_rate": 0.5})).await;
        send(&rig, 40).await;
        let stats = rig.envoy.admin().until(|stats: &Stats| {
            let sampled = stats.sum("llm_judge_sampled_total", &[]);
            let outcomes = stats.sum("llm_judge_outcomes_total", &[]);
            let has_ended = stats.sum("llm_requests_total", &[]) == 40.0;
            if has_ended && sampled == outcomes {
                Vec::new()
            } else {
                vec![format!("{outcomes} of {sampled}")]
            }
        });
        let sampled = stats.await.unwrap().sum("llm_judge_sampled_total", &[]);
        assert!((8.0..=32.0).contains(&sampled), "{sampled}");
    });
}
