//! More than a judge can do: a thousand requests per second, all of them sampled.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use simulators::envoy::Stats;
use simulators::judge::{JudgeBehaviour, JudgeServer};
use simulators::load::Protocol;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::super::rig::{Rig, run};
use super::{outcomes, question, rig};

const REQUESTS: u64 = 3000;

/// Maximum calls in flight in a worker.
const IN_FLIGHT: u64 = 4;

/// Maximum queue length in a worker.
const QUEUE: u64 = 16;

const WORKERS: u64 = 2;

/// Parallel exchanges: enough for a thousand per second. More would measure how many connections a slow machine can
/// open.
const AT_ONCE: usize = 64;

/// Sends one request per millisecond, or as many as the machine can. Each has to get the provider's bytes.
async fn crowd(rig: &Arc<Rig>) {
    let mut clock = tokio::time::interval(Duration::from_millis(1));
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut requests, places) = (JoinSet::new(), Arc::new(Semaphore::new(AT_ONCE)));
    for number in 0..REQUESTS {
        clock.tick().await;
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let (rig, is_stream) = (Arc::clone(rig), number % 3 == 0);
        // HTTP/1 connections are spread over both workers.
        let protocol = if number % 8 == 0 { Protocol::Http2 } else { Protocol::Http1 };
        requests.spawn(async move {
            rig.ask(protocol, question(is_stream)).await;
            drop(place);
        });
    }
    while let Some(done) = requests.join_next().await {
        done.unwrap();
    }
}

#[test]
fn a_thousand_requests_a_second_are_served_whatever_the_judge_can_do() {
    run(async {
        let judge = JudgeServer::start(JudgeBehaviour::Held).await.unwrap();
        let changes = json!({"max_in_flight": IN_FLIGHT, "max_queue": QUEUE, "timeout_ms": 120_000});
        let rig = Arc::new(rig(judge.address(), changes).await);
        crowd(&rig).await;
        // The exchanges without an outcome are those that the workers hold: exactly as many as the limits allow.
        let kept = WORKERS * (IN_FLIGHT + QUEUE);
        let waited = rig.envoy.admin().until(|stats: &Stats| {
            let sampled = stats.sum("llm_judge_sampled_total", &[]);
            let full = stats.sum("llm_judge_outcomes_total", &[("outcome", "queue_full")]);
            if sampled == REQUESTS as f64 && full == (REQUESTS - kept) as f64 {
                Vec::new()
            } else {
                vec![format!("{sampled} sampled, {full} of them found no place")]
            }
        });
        let stats = waited.await.unwrap();
        assert_eq!(stats.sum("llm_judge_outcomes_total", &[]), (REQUESTS - kept) as f64);
        assert_eq!(judge.requests(), WORKERS * IN_FLIGHT);
        assert_eq!(stats.sum("llm_requests_total", &[("status", "success")]), REQUESTS as f64);
        judge.release();
        let stats = outcomes(&rig, REQUESTS, &[("queue_full", REQUESTS - kept), ("scored", kept)]).await;
        assert_eq!(judge.requests(), kept);
        assert_eq!(stats.sum("llm_active_requests", &[]), 0.0);
    });
}
