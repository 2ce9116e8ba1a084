//! Feedback in the proxy-wasm host: every cutting of its request, every reply, and no request to the upstream.

use std::collections::BTreeMap;

use host_test::drive::{EndForm, MessageEnd};
use host_test::{
    Action, ChunkPlan, Cut, Ending, Exchange, Guest, Headers, LogLevel, Options, SharedProxyState,
    StreamReport, drive,
};
use llm_gauge_engine::ids::{Ids, SigningKey};
use serde_json::{Value, json};

use crate::common;

const SECRET: &str = "a secret for the tests";
const ACCEPTED: &str = r#"{"status":"accepted"}"#;

/// Returns the configuration with this key, in which other requests are metered too.
fn configuration(feedback: &Value) -> Vec<u8> {
    let mut feedback = feedback.clone();
    feedback["secret"] = json!(SECRET);
    json!({"feedback": feedback, "match": [{"path": "*", "provider": "p", "format": "openai_chat"}]})
        .to_string()
        .into()
}

/// Starts a guest in a proxy that is set up for feedback.
fn start(feedback: &Value) -> Guest {
    worker(feedback, SharedProxyState::new(), 0)
}

fn worker(feedback: &Value, proxy_state: SharedProxyState, seed: u64) -> Guest {
    let options = Options {
        configuration: configuration(feedback),
        allow_on_headers_stop_iteration: true,
        proxy_state,
        seed,
        ..Options::default()
    };
    Guest::start(&common::filter(), options).unwrap()
}

/// Returns an id that a client of this proxy could have.
fn id(guest: &Guest) -> String {
    let unix_s = u32::try_from(guest.host().clock().wall_ns / 1_000_000_000).unwrap();
    let key = SigningKey::new(SECRET.as_bytes());
    Ids { trace: [7; 16], span: [8; 8], parent: None }.request_id(unix_s, "gpt-4o", Some(&key))
}

fn body(guest: &Guest, rating: &str) -> String {
    format!(r#"{{"request_id":"{}","rating":{rating},"comment":"Gut."}}"#, id(guest))
}

fn head(method: &str) -> Headers {
    Headers::request(method, "gateway.example", "/feedback?from=web").with("content-type", "application/json")
}

fn post(body: &str) -> Exchange {
    Exchange::unanswered(head("POST"), body, Ending::Clean)
}

/// Checks the client's reply, and that no other peer received anything.
#[track_caller]
fn check(report: &StreamReport, status: &str, said: &str) {
    let client = &report.client;
    let told = client.headers.as_ref().and_then(|head| head.text(":status"));
    assert_eq!((told, std::str::from_utf8(&client.body)), (Some(status), Ok(said)));
    assert_eq!(client.outcome, MessageEnd::Complete);
    assert_eq!(report.local_responses.len(), 1);
    assert_eq!((&report.upstream.headers, report.upstream.body.len()), (&None, 0));
    assert!(report.filter_state.is_empty(), "feedback is not an exchange of a model");
}

/// Returns all counters, except the build info.
fn counted(guest: &Guest) -> BTreeMap<String, u64> {
    assert_eq!(guest.failure(), None);
    let proxy_state = guest.host().proxy_state();
    let metrics =
        proxy_state.metrics.iter().filter(|((stat, _), _)| !stat.starts_with("llm_gauge_build_info"));
    metrics.map(|((stat, _), metric)| (stat.clone(), metric.value)).collect()
}

fn ratings(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    let stat = |rating| format!("llm_feedback_total.model=.=gpt-4o;.;.rating=.={rating};.;");
    pairs.iter().map(|(rating, by)| (stat(rating), *by)).collect()
}

#[test]
fn every_cutting_of_the_upload() {
    let mut guest = start(&json!({}));
    let body = body(&guest, r#""up""#);
    let length = u64::try_from(body.len()).unwrap();
    let sized = |sized: bool| match sized {
        true => Exchange {
            request_headers: head("POST").with("content-length", body.len().to_string()),
            ..post(&body)
        },
        false => post(&body),
    };
    for request in (1..body.len()).map(|at| Cut::At(vec![at])).chain([Cut::Whole, Cut::Every(1)]) {
        for end in [EndForm::EmptyChunk, EndForm::OnLastChunk] {
            let plan = ChunkPlan { request: request.clone(), end, ..ChunkPlan::default() };
            check(&drive(&mut guest, &sized(end == EndForm::OnLastChunk), &plan).unwrap(), "202", ACCEPTED);
        }
    }
    let trailers = Some(Headers::from([("t", "1")]));
    let with_trailers = Exchange { request_trailers: trailers, ..post(&body) };
    check(&drive(&mut guest, &with_trailers, &ChunkPlan::every(9)).unwrap(), "202", ACCEPTED);
    assert_eq!(counted(&guest), ratings(&[("up", 2 * (length + 1) + 1)]));
}

/// The id of a response is accepted in feedback on it.
#[test]
fn the_id_of_a_response_is_taken_back() {
    let mut guest = start(&json!({}));
    let request = Headers::request("POST", "api.example", "/v1/chat/completions")
        .with("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let answer = r#"{"model":"m-1","choices":[]}"#;
    let chat = Exchange::new(request, r#"{"model":"m;.;1"}"#, Headers::response(200), answer);
    let report = drive(&mut guest, &chat, &ChunkPlan::whole()).unwrap();
    let id = report.client.headers.as_ref().unwrap().text("x-llm-request-id").unwrap().to_owned();
    assert!(id.starts_with("0af7651916cd43dd8448eb211c80319c-"), "{id}");
    let record = String::from_utf8(report.filter_state["wasm.llm.json"].clone()).unwrap();
    assert!(record.contains(&format!(r#""request_id":"{id}""#)), "{record}");
    let before = common::requests(&guest);
    let feedback = format!(r#"{{"request_id":"{id}","rating":2}}"#);
    check(&drive(&mut guest, &post(&feedback), &ChunkPlan::whole()).unwrap(), "202", ACCEPTED);
    assert_eq!(common::requests(&guest), before, "feedback is not metered");
    assert_eq!(counted(&guest)["llm_feedback_total.model=.=m;_;1;.;.rating=.=2;.;"], 1);
    // One changed character makes another id.
    let other = feedback.replace("0af7", "0af6");
    let said = r#"{"error":"request_id: the signature is wrong"}"#;
    check(&drive(&mut guest, &post(&other), &ChunkPlan::whole()).unwrap(), "401", said);
    // The id has expired after 30 days.
    guest.advance_ms(30 * 24 * 3_600_000 + 1000);
    let said = r#"{"error":"request_id: older than 720 hours"}"#;
    check(&drive(&mut guest, &post(&feedback), &ChunkPlan::whole()).unwrap(), "400", said);
}

#[test]
fn requests_are_refused_by_their_head_at_once() {
    let mut guest = start(&json!({"cors": {"origins": ["https://app.example"]}}));
    let mut ask = |head: Headers, end| {
        let mut stream = guest.open().unwrap();
        stream.request_headers(&head, end).unwrap();
        assert!(stream.is_replied());
        stream.end(Ending::Clean).unwrap()
    };
    let method = r#"{"error":"method: expected POST"}"#;
    for end in [true, false] {
        let report = ask(head("GET"), end);
        check(&report, "405", method);
        assert_eq!(report.client.headers.unwrap().text("allow"), Some("POST, OPTIONS"));
        check(&ask(head("HEAD"), end), "405", "");
        let preflight = ask(head("OPTIONS").with("origin", "https://app.example"), end);
        check(&preflight, "204", "");
        let fields = preflight.client.headers.unwrap();
        assert_eq!(fields.text("access-control-allow-origin"), Some("https://app.example"));
        assert_eq!(fields.text("access-control-allow-headers"), Some("content-type, x-llm-feedback"));
        let long = ask(head("POST").with("content-length", "16385"), end);
        check(&long, "413", r#"{"error":"body: expected at most 16384 bytes"}"#);
    }
    check(&ask(head("POST"), true), "400", r#"{"error":"body: expected a JSON object"}"#);
    assert_eq!(counted(&guest), ratings(&[]));
}

/// A body that is too long is not read to its end, whatever its announced length.
#[test]
fn a_body_that_is_too_long_is_answered_before_its_end() {
    let mut guest = start(&json!({}));
    let long = format!(r#"{{"comment":"{}"}}"#, "x".repeat(1_000_000));
    let report = drive(&mut guest, &post(&long), &ChunkPlan::every(1000)).unwrap();
    check(&report, "413", r#"{"error":"body: expected at most 16384 bytes"}"#);
    let pieces = report.steps.iter().filter(|step| step.callback == "proxy_on_request_body").count();
    assert_eq!(pieces, 17);
    let report = drive(&mut guest, &post(&long), &ChunkPlan::whole()).unwrap();
    check(&report, "413", r#"{"error":"body: expected at most 16384 bytes"}"#);
}

#[test]
fn clients_that_leave_leave_nothing_behind() {
    let mut guest = start(&json!({}));
    let leave = |guest: &mut Guest, times: usize| {
        for _ in 0..times {
            let mut stream = guest.open().unwrap();
            stream.request_headers(&head("POST"), false).unwrap();
            stream.request_body(&[b' '; 10_000], false).unwrap();
            let report = stream.end(Ending::ClientGone).unwrap();
            assert_eq!((report.local_responses, report.upstream.headers), (Vec::new(), None));
        }
    };
    leave(&mut guest, 100);
    let before = guest.host().memory.bytes;
    leave(&mut guest, 2000);
    assert_eq!(guest.host().memory.bytes, before);
    let body = body(&guest, "5");
    check(&drive(&mut guest, &post(&body), &ChunkPlan::whole()).unwrap(), "202", ACCEPTED);
    assert_eq!(counted(&guest), ratings(&[("5", 1)]));
}

/// A proxy that holds the body back with the head: nothing hangs, and the upstream receives nothing.
#[test]
fn feedback_without_a_visible_body_is_refused() {
    let options = Options::configured(configuration(&json!({})));
    let mut guest = Guest::start(&common::filter(), options).unwrap();
    let said = r#"{"error":"body: the proxy does not pass it to the filter, or it arrived too late: send it as x-llm-feedback"}"#;
    for _ in 0..5 {
        let feedback = body(&guest, "5");
        let mut stream = guest.open().unwrap();
        let id = stream.id();
        stream.request_headers(&head("POST"), false).unwrap();
        stream.request_body(feedback.as_bytes(), true).unwrap();
        guest.advance_ms(4999);
        guest.run_pending().unwrap();
        assert!(!guest.stream(id).is_replied());
        guest.advance_ms(250);
        guest.run_pending().unwrap();
        check(&guest.stream(id).end(Ending::Clean).unwrap(), "503", said);
    }
    let errors = guest.host().logged(LogLevel::Error);
    assert_eq!(errors.len(), 5);
    assert!(errors[0].contains("needs `allow_on_headers_stop_iteration: true`"), "{}", errors[0]);
    assert_eq!(guest.host().tick_period_ms, 0);
    assert_eq!(counted(&guest), ratings(&[]));
}

/// Feedback in the head needs no body, so any proxy can pass it to the filter.
#[test]
fn feedback_in_the_head_is_answered_at_once() {
    let options = Options::configured(configuration(&json!({"max_bytes": 400})));
    let mut guest = Guest::start(&common::filter(), options).unwrap();
    let feedback = body(&guest, r#""up""#);
    for (value, length, status, said) in [
        (feedback.as_str(), "0", "202", ACCEPTED),
        (&feedback, "900", "413", r#"{"error":"body: expected at most 400 bytes"}"#),
        (&feedback, "9", "202", ACCEPTED),
        ("5", "0", "400", r#"{"error":"body: expected a JSON object"}"#),
        (&"x".repeat(401), "0", "413", r#"{"error":"body: expected at most 400 bytes"}"#),
    ] {
        let head = head("POST").with("x-llm-feedback", value).with("content-length", length);
        let mut stream = guest.open().unwrap();
        assert_eq!(stream.request_headers(&head, length == "0").unwrap(), Action::Pause);
        assert!(stream.is_replied());
        check(&stream.end(Ending::Clean).unwrap(), status, said);
    }
    assert_eq!(counted(&guest), ratings(&[("up", 2)]));
    assert_eq!(guest.host().tick_period_ms, 0);
}

/// Once a part of the body has arrived, the rest has no deadline.
#[test]
fn a_slow_client_has_all_its_time_once_a_body_has_come() {
    let mut guest = start(&json!({}));
    let body = body(&guest, r#""down""#);
    check(&drive(&mut guest, &post(&body), &ChunkPlan::whole()).unwrap(), "202", ACCEPTED);
    let mut stream = guest.open().unwrap();
    let id = stream.id();
    stream.request_headers(&head("POST"), false).unwrap();
    guest.advance_ms(60_000);
    guest.run_pending().unwrap();
    assert!(!guest.stream(id).is_replied());
    guest.stream(id).request_body(body.as_bytes(), true).unwrap();
    check(&guest.stream(id).end(Ending::Clean).unwrap(), "202", ACCEPTED);
    assert_eq!(counted(&guest), ratings(&[("down", 2)]));
}

#[test]
fn the_rate_holds_for_all_workers() {
    let proxy_state = SharedProxyState::new();
    let feedback = json!({"per_minute": 3});
    let mut workers = [1, 2].map(|seed| worker(&feedback, proxy_state.clone(), seed));
    let body = body(&workers[0], "1");
    let mut send = |worker: usize, is_room: bool| {
        let report = drive(&mut workers[worker], &post(&body), &ChunkPlan::whole()).unwrap();
        if is_room {
            check(&report, "202", ACCEPTED);
        } else {
            check(&report, "429", r#"{"error":"rate: too much feedback in this minute"}"#);
            assert_eq!(report.client.headers.unwrap().text("retry-after"), Some("60"));
        }
    };
    let now_ms = proxy_state.lock().now_ms();
    proxy_state.advance_ms(60_000 - now_ms % 60_000);
    for (worker, is_room) in [(0, true), (1, true), (0, true), (0, false), (1, false)] {
        send(worker, is_room);
    }
    proxy_state.advance_ms(60_000);
    send(1, true);
    // If the host has no shared data, each worker has its own bound.
    for (worker, is_room) in [(0, true), (0, true), (0, true), (0, false), (1, true)] {
        proxy_state.lock().data.clear();
        send(worker, is_room);
    }
    assert_eq!(counted(&workers[0]), ratings(&[("1", 8)]));
}

#[test]
fn without_the_key_the_path_is_the_upstreams() {
    let options = Options { allow_on_headers_stop_iteration: true, ..Options::configured("{}") };
    let mut guest = Guest::start(&common::filter(), options).unwrap();
    let body = body(&guest, "1");
    let exchange = Exchange::new(head("POST"), body.as_str(), Headers::response(404), "no");
    let report = drive(&mut guest, &exchange, &ChunkPlan::every(7)).unwrap();
    assert_eq!(
        (report.upstream.headers.as_ref(), report.upstream.body),
        (Some(&head("POST")), body.into_bytes())
    );
    assert_eq!((report.client.body.as_slice(), report.local_responses), (&b"no"[..], Vec::new()));
    assert_eq!(counted(&guest), BTreeMap::new());
}
