//! Spans and scores from a real Envoy with two workers, read by the official definitions; receivers with faults; and
//! unchanged bytes for clients in every case.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::{Value, json};
use simulators::envoy::Stats;
use simulators::judge;
use simulators::load::{Protocol, Request};
use simulators::provider::{Provider, script};
use simulators::receiver::{ReceivedTelemetry, Receiver, ReceiverBehaviour, hex, values};

use super::rig::{Rig, refusing_address, run, shipped};

const MODEL: &str = "exported";
const SCRIPT: &str = "input=12; output=9; cached=4; first_ms=30; token_ms=1";

/// Returns a question with its own trace.
fn question(number: usize, stream: bool) -> Request {
    let content = "Which words are there? <context>The words are few</context> Tell jan@example.com.";
    let mut body =
        json!({"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": content}]});
    if stream {
        body["stream_options"] = json!({"include_usage": true});
    }
    Request::post("/v1/chat/completions", &body)
        .header("traceparent", &format!("00-{:032x}-00f067aa0ba902b7-01", number + 1))
        .header(script::HEADER, SCRIPT)
}

/// Starts an Envoy that exports to this receiver, and calls this judge if there is one.
async fn rig(receiver: SocketAddr, changes: Value, judge: Option<SocketAddr>) -> Rig {
    let provider = Provider::start().await.unwrap();
    let mut bootstrap = shipped().await;
    for cluster in ["openai", "anthropic"] {
        bootstrap = bootstrap.upstream(cluster, provider.address(), Protocol::Http1).unwrap();
    }
    let mut telemetry = json!({"batch": {"interval_ms": 100}});
    for (key, value) in changes.as_object().unwrap() {
        telemetry[key] = value.clone();
    }
    bootstrap = bootstrap.exporting(receiver, telemetry).unwrap();
    if let Some(judge) = judge {
        let all = json!({"sample_rate": 1, "budget": {"calls_per_minute": 1_000_000}});
        bootstrap = bootstrap.judged(all).unwrap().upstream("judge", judge, Protocol::Http1).unwrap();
    }
    Rig::over(provider, bootstrap).await
}

/// Sends a number of exchanges, whose bytes have to be the provider's. Returns their request ids.
async fn send(rig: &Rig, count: usize) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for number in 0..count {
        let protocol = if number % 2 == 0 { Protocol::Http1 } else { Protocol::Http2 };
        let answer = rig.ask(protocol, question(number, number % 3 == 0)).await;
        assert!(ids.insert(answer.header("x-llm-request-id").to_owned()));
    }
    ids
}

/// Waits for this number of spans and events, and returns them. Each span has to belong to one of these exchanges.
async fn received(
    receiver: &Receiver,
    rig: &Rig,
    ids: &BTreeSet<String>,
    events: usize,
) -> ReceivedTelemetry {
    let waited =
        receiver.until(|received| received.spans.len() >= ids.len() && received.events.len() >= events).await;
    let received =
        waited.unwrap_or_else(|error| panic!("{error:#}\n{}", rig.envoy.log().unwrap_or_default()));
    assert_eq!((received.spans.len(), received.events.len()), (ids.len(), events));
    let told: BTreeSet<_> = received
        .spans
        .iter()
        .map(|span| {
            let attributes = values(&span.attributes);
            let id = attributes["llm_gauge.request_id"].as_str().unwrap().to_owned();
            assert!(id.starts_with(&format!("{}-{}-", hex(&span.trace_id), hex(&span.span_id))), "{id}");
            id
        })
        .collect();
    assert_eq!(&told, ids);
    received
}

/// Waits until this number of spans was dropped.
async fn dropped(rig: &Rig, spans: u64) {
    let waited = rig.envoy.admin().until(|stats: &Stats| {
        let found = stats.sum("llm_gauge_dropped_total", &[("kind", "spans")]);
        if found == spans as f64 { Vec::new() } else { vec![format!("{found} dropped, not {spans}")] }
    });
    waited.await.unwrap_or_else(|error| panic!("{error:#}\n{}", rig.envoy.log().unwrap_or_default()));
}

#[test]
fn spans_and_scores_of_two_workers() {
    run(async {
        let receiver = Receiver::start(ReceiverBehaviour::Accept).await.unwrap();
        let judge = judge::JudgeServer::start(judge::JudgeBehaviour::Verdict).await.unwrap();
        let rig = rig(receiver.address(), json!({"content": "sampled"}), Some(judge.address())).await;
        let began =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
        let ids = send(&rig, 24).await;
        let received = received(&receiver, &rig, &ids, 24 * 4).await;
        let ended =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
        for span in &received.spans {
            let attributes = values(&span.attributes);
            assert_eq!(hex(&span.parent_span_id), "00f067aa0ba902b7");
            assert_eq!((span.name.as_str(), span.kind), ("chat exported", 3));
            for (name, value) in [
                ("gen_ai.provider.name", json!("openai")),
                ("gen_ai.usage.input_tokens", json!(12)),
                ("gen_ai.usage.output_tokens", json!(9)),
                ("gen_ai.usage.cache_read.input_tokens", json!(4)),
                ("gen_ai.response.finish_reasons", json!(["stop"])),
                ("http.response.status_code", json!(200)),
                ("llm_gauge.status", json!("success")),
                ("llm_gauge.sampled", json!(true)),
            ] {
                assert_eq!(attributes.get(name), Some(&value), "{name}");
            }
            // The wall clock is the machine's, and a span lasts as long as its exchange.
            let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
            assert_eq!(json!((end - start) / 1_000_000), attributes["llm_gauge.duration_ms"]);
            assert!(end - start >= 30_000_000 && began - 1_000_000 <= start && end <= ended, "{start} {end}");
            assert_eq!(span.events.len(), usize::from(attributes.contains_key("gen_ai.request.stream")));
            let asked = attributes["gen_ai.input.messages"].as_str().unwrap();
            assert!(asked.contains("Which words are there?"), "{asked}");
        }
        let mut uids = BTreeSet::new();
        for event in &received.events {
            let attributes = values(&event.attributes);
            let of = received.spans.iter().find(|span| span.span_id == event.span_id).unwrap();
            assert_eq!(of.trace_id, event.trace_id);
            assert_eq!(values(&of.attributes)["llm_gauge.request_id"], attributes["llm_gauge.request_id"]);
            assert!(attributes.contains_key("gen_ai.evaluation.explanation"));
            assert!(uids.insert(attributes["log.record.uid"].to_string()));
        }
        let stats = rig.envoy.admin().stats().await.unwrap();
        assert_eq!(stats.sum("llm_gauge_dropped_total", &[]), 0.0);
        // Our own calls are not metered.
        assert_eq!(stats.sum("llm_requests_total", &[]), 24.0);
    });
}

#[test]
fn compressed_json_by_the_proxys_own_compressor() {
    run(async {
        let receiver = Receiver::start(ReceiverBehaviour::Accept).await.unwrap();
        let changes = json!({"encoding": "json", "compression": "gzip", "attributes": "both"});
        let rig = rig(receiver.address(), changes, None).await;
        let ids = send(&rig, 6).await;
        let received = received(&receiver, &rig, &ids, 0).await;
        assert!(received.spans.iter().all(|span| values(&span.attributes)["llm.token_count.prompt"] == 12));
        let (requests, zipped) = receiver.requests();
        assert_eq!(requests, zipped, "all are compressed");
    });
}

#[test]
fn refused_spans_are_counted_as_dropped() {
    run(async {
        for (manner, lost) in [
            (ReceiverBehaviour::Status(400), 8),
            (ReceiverBehaviour::Status(404), 8),
            (ReceiverBehaviour::Partial(1), 8),
        ] {
            let receiver = Receiver::start(manner).await.unwrap();
            // One span per call: of a partial success it is the one that is lost.
            let rig = rig(receiver.address(), json!({"batch": {"max_items": 1}}), None).await;
            send(&rig, 8).await;
            dropped(&rig, lost).await;
        }
    });
}

#[test]
fn a_receiver_that_recovers_gets_the_spans_later() {
    run(async {
        let receiver = Receiver::start(ReceiverBehaviour::Status(503)).await.unwrap();
        let rig = rig(receiver.address(), json!({"batch": {"max_items": 1}}), None).await;
        let ids = send(&rig, 8).await;
        receiver.behave(ReceiverBehaviour::Accept);
        received(&receiver, &rig, &ids, 0).await;
        dropped(&rig, 0).await;
    });
}

#[test]
fn without_a_receiver_traffic_flows() {
    run(async {
        let silent = Receiver::start(ReceiverBehaviour::Silent).await.unwrap();
        for (receiver, changes) in [
            (refusing_address(), json!({})),
            (refusing_address(), json!({"cluster": "nowhere"})),
            (silent.address(), json!({"timeout_ms": 200})),
        ] {
            let rig = rig(receiver, changes, None).await;
            send(&rig, 24).await;
            let waited = rig.envoy.admin().until(|stats: &Stats| {
                let ended = stats.sum("llm_requests_total", &[("model", MODEL), ("status", "success")]);
                if ended == 24.0 { Vec::new() } else { vec![format!("{ended} of 24")] }
            });
            let stats = waited.await.unwrap();
            assert_eq!(stats.sum("llm_active_requests", &[]), 0.0);
        }
    });
}
