//! Spans and scores in the proxy-wasm host: every byte checked by OpenTelemetry's official definitions, every failure
//! on their way, and counts for everything that does not arrive.

mod any;
mod names;
mod redaction;
mod trouble;

use std::collections::BTreeMap;

use host_test::drive::Arrivals;
use host_test::host::ForeignFunction;
use host_test::{CallAnswer, ChunkPlan, Exchange, Guest, Headers, Options, StreamReport, drive};
use serde_json::{Value, json};
use simulators::judge;
use simulators::receiver::{AttributeMap, ReceivedTelemetry, hex, values};

use crate::common;

/// A configuration with one span or event per batch, so that nothing waits for others.
pub const EACH: &str = r#""telemetry":{"cluster":"otel","batch":{"max_items":1}}"#;

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const STREAM: &str = concat!(
    "data: {\"id\":\"c1\",\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"It is\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" 120 metres tall.\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5,\"total_tokens\":14}}\n\n",
    "data: [DONE]\n\n"
);

pub fn start(keys: &str) -> Guest {
    Guest::start(&common::filter(), Options::configured(format!("{{{keys}}}"))).unwrap()
}

pub fn exchange() -> Exchange {
    let head = Headers::request("POST", "api.openai.com", "/v1/chat/completions")
        .with("content-type", "application/json")
        .with("traceparent", TRACEPARENT);
    let asked = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"How tall is it? Tell jan@example.com"},
        {"role":"tool","content":"The tower is 120 metres tall"}]}"#;
    Exchange::new(head, asked, Headers::response(200).with("content-type", "text/event-stream"), STREAM)
}

/// Plays an exchange to its end and the next turn of the event loop. The bytes of both sides are unchanged.
#[track_caller]
pub fn play(guest: &mut Guest) -> StreamReport {
    let exchange = exchange();
    let report = drive(guest, &exchange, &ChunkPlan::whole()).unwrap();
    assert_eq!(report.upstream.body, exchange.request_body);
    assert_eq!(report.client.body, exchange.response_body);
    guest.run_pending().unwrap();
    report
}

/// Advances the clock, and delivers the ticks that are due.
pub fn pass(guest: &mut Guest, ms: u64) {
    for _ in 0..ms.div_ceil(100) {
        guest.advance_ms(100);
        guest.run_pending().unwrap();
    }
}

/// Returns the tokens of the calls to the receiver that are in flight.
pub fn under_way(guest: &Guest) -> Vec<u32> {
    guest.host().in_flight().filter(|call| call.cluster == "otel").map(|call| call.token).collect()
}

/// Advances the clock until such a call is in flight. Calls that wait for an answer have a timeout.
#[track_caller]
pub fn until_sent(guest: &mut Guest) {
    let steps = (0..600).find(|_| {
        pass(guest, 100);
        !under_way(guest).is_empty()
    });
    assert!(steps.is_some(), "nothing was sent in a minute");
}

/// Returns the contents of the call with this token.
#[track_caller]
pub fn sent(guest: &Guest, token: u32) -> ReceivedTelemetry {
    let call = guest.host().callouts.iter().find(|call| call.token == token).unwrap();
    assert_eq!((call.cluster.as_str(), call.context), ("otel", host_test::host::ROOT));
    ReceivedTelemetry::read(|name| call.headers.text(name), &call.body).unwrap()
}

/// Accepts all calls in flight, and those that follow.
pub fn take_all(guest: &mut Guest) -> ReceivedTelemetry {
    let mut received = ReceivedTelemetry::default();
    while let Some(token) = under_way(guest).first().copied() {
        received.add(sent(guest, token));
        guest.answer(token, CallAnswer::new(200, "")).unwrap();
    }
    received
}

/// Returns the numbers of dropped spans and events.
pub fn dropped(guest: &Guest) -> (u64, u64) {
    common::requests(guest);
    let proxy_state = guest.host().proxy_state();
    let of = |kind: &str| {
        let name = format!("llm_gauge_dropped_total.kind=.={kind};.;");
        proxy_state
            .metrics
            .iter()
            .filter(|((stat, _), _)| *stat == name)
            .map(|(_, metric)| metric.value)
            .sum()
    };
    (of("spans"), of("events"))
}

/// Returns the request id in the client's response.
fn request_id(report: &StreamReport) -> &str {
    report.client.headers.as_ref().unwrap().text("x-llm-request-id").unwrap()
}

fn expected_values(value: Value) -> AttributeMap {
    value.as_object().unwrap().clone().into_iter().collect::<BTreeMap<_, _>>()
}

#[test]
fn an_exchange_is_a_span() {
    let mut guest = start(r#""service":"shop","telemetry":{"cluster":"otel"}"#);
    let began_ns = guest.host().proxy_state().clock.wall_ns;
    let report = play(&mut guest);
    assert_eq!(under_way(&guest), [0; 0], "the batch waits for more items");
    pass(&mut guest, 4_900);
    assert_eq!(under_way(&guest), [0; 0]);
    pass(&mut guest, 100);
    let received = take_all(&mut guest);
    assert_eq!(guest.host().tick_period_ms, 0, "nothing ticks for nothing");
    assert_eq!(received.resource, expected_values(json!({"service.name": "shop"})));
    assert_eq!(received.scope, ("llm-gauge".to_owned(), "0.1.0".to_owned()));
    let [span] = received.spans.as_slice() else { panic!("{} spans", received.spans.len()) };
    assert_eq!(hex(&span.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&span.parent_span_id), "b7ad6b7169203331");
    let request_id = request_id(&report);
    assert_eq!(values(&span.attributes)["llm_gauge.request_id"], request_id);
    assert_eq!(request_id.split('-').nth(1), Some(hex(&span.span_id).as_str()));
    assert_eq!((span.name.as_str(), span.kind, span.status.clone()), ("chat m", 3, None));
    assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (began_ns, began_ns));
    let events: Vec<_> =
        span.events.iter().map(|event| (event.name.as_str(), event.time_unix_nano)).collect();
    assert_eq!(events, [("gen_ai.first_token", began_ns)]);
    let mut found = values(&span.attributes);
    found.remove("llm_gauge.request_id");
    let expected = json!({
        "server.address": "api.openai.com",
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.request.stream": true,
        "gen_ai.response.time_to_first_chunk": 0.0,
        "gen_ai.response.model": "m-1",
        "gen_ai.response.id": "c1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 5,
        "llm_gauge.model": "m",
        "llm_gauge.status": "success",
        "llm_gauge.error": "none",
        "llm_gauge.usage.source": "reported",
        "llm_gauge.duration_ms": 0,
        "llm_gauge.first_byte_ms": 0,
        "llm_gauge.first_token_ms": 0,
        "llm_gauge.first_answer_ms": 0,
        "llm_gauge.per_output_token_us": 0,
    });
    assert_eq!(found, expected_values(expected));
}

#[test]
fn its_times_are_the_wall_clocks_at_its_end() {
    let mut guest = start(EACH);
    let mut exchange = exchange();
    exchange.clock.response_head_ms = 100;
    exchange.clock.arrivals = Arrivals::ByChunk(vec![250, 400]);
    exchange.clock.end_ms = 1_234;
    let began_ns = guest.host().proxy_state().clock.wall_ns;
    drive(&mut guest, &exchange, &ChunkPlan::response_at([STREAM.find("\n\n").unwrap() + 2])).unwrap();
    guest.run_pending().unwrap();
    let span = take_all(&mut guest).spans.remove(0);
    assert_eq!(span.start_time_unix_nano, began_ns);
    assert_eq!(span.end_time_unix_nano, began_ns + 1_234_000_000);
    assert_eq!(span.events[0].time_unix_nano, began_ns + 250_000_000);
    assert_eq!(values(&span.attributes)["gen_ai.response.time_to_first_chunk"], 0.25);
}

#[test]
fn both_encodings_say_the_same() {
    let rich = r#""labels":[{"name":"tenant","header":"x-tenant"}],"judge":{"cluster":"judge","model":"g","sample_rate":1},"redact":["email"],
        "telemetry":{"cluster":"otel","batch":{"max_items":1},"attributes":"both","content":"all","encoding":"#;
    let [protobuf, json] = ["\"protobuf\"}", "\"json\"}"].map(|encoding| {
        let mut guest = start(&[rich, encoding].concat());
        play(&mut guest);
        answer_judge(&mut guest);
        let received = take_all(&mut guest);
        assert_eq!((received.spans.len(), received.events.len()), (1, 4));
        assert_eq!(dropped(&guest), (0, 0));
        received
    });
    assert_eq!(protobuf, json);
    let project = json!({"service.name": "llm-gauge", "openinference.project.name": "llm-gauge"});
    assert_eq!(protobuf.resource, expected_values(project));
    let attributes = values(&protobuf.spans[0].attributes);
    let asked = attributes["gen_ai.input.messages"].as_str().unwrap();
    let asked: Value = serde_json::from_str(asked).unwrap();
    assert_eq!(asked[1]["parts"][0]["content"], "How tall is it? Tell [email]");
    assert_eq!(attributes["output.value"], "It is 120 metres tall.");
}

fn answer_judge(guest: &mut Guest) {
    let call = guest.host().in_flight().find(|call| call.cluster == "judge").unwrap();
    let (token, asked) = (call.token, judge::JudgeRequest::read(&call.body).unwrap());
    guest.answer(token, CallAnswer::new(200, judge::completion(&asked.verdict()))).unwrap();
}

#[test]
fn scores_are_events_on_the_judged_span() {
    let judged = r#","judge":{"cluster":"judge","model":"grader","sample_rate":1}"#;
    let mut guest = start(&[EACH, judged].concat());
    let report = play(&mut guest);
    let span = take_all(&mut guest).spans.remove(0);
    pass(&mut guest, 700);
    let at_ns = guest.host().proxy_state().clock.wall_ns;
    answer_judge(&mut guest);
    let received = take_all(&mut guest);
    let request_id = request_id(&report);
    let mut uids = Vec::new();
    let scores: Vec<_> = received
        .events
        .iter()
        .map(|event| {
            assert_eq!((&event.trace_id, &event.span_id), (&span.trace_id, &span.span_id));
            assert_eq!((event.time_unix_nano, event.observed_time_unix_nano), (at_ns, at_ns));
            assert_eq!((event.event_name.as_str(), event.severity_number), ("gen_ai.evaluation.result", 9));
            let mut found = values(&event.attributes);
            let uid = found.remove("log.record.uid").unwrap();
            uids.push(uid.as_str().unwrap().to_owned());
            let rest = json!({
                "event.name": "gen_ai.evaluation.result",
                "llm_gauge.request_id": request_id,
                "llm_gauge.model": "m",
                "llm_gauge.evaluation.source": "judge",
                "llm_gauge.judge.model": "grader",
            });
            let name = found.remove("gen_ai.evaluation.name").unwrap();
            let value = found.remove("gen_ai.evaluation.score.value").unwrap();
            let label = found.remove("gen_ai.evaluation.score.label").unwrap();
            assert_eq!(found, expected_values(rest), "the reason is content, which stays");
            format!("{name} {value} {label}")
        })
        .collect();
    let expected = [
        r#""faithfulness" 5.0 "5""#,
        r#""relevance" 5.0 "5""#,
        r#""completeness" 2.0 "2""#,
        r#""hallucination" 0.0 "no""#,
    ];
    assert_eq!(scores, expected);
    let nonce = uids[0].strip_suffix("-faithfulness").unwrap();
    assert!(nonce.len() == 32 && uids.iter().all(|uid| uid.starts_with(nonce)), "{uids:?}");
    uids.dedup();
    assert_eq!(uids.len(), 4);
}

#[test]
fn disabled_signals_are_not_exported() {
    let judged = r#","judge":{"cluster":"judge","model":"grader","sample_rate":1}"#;
    for (key, counts) in [("traces", (0, 4)), ("events", (1, 0))] {
        let keys = EACH.replace(r#""batch""#, &format!(r#""{key}":"off","batch""#));
        let mut guest = start(&[&keys, judged].concat());
        play(&mut guest);
        answer_judge(&mut guest);
        let received = take_all(&mut guest);
        assert_eq!((received.spans.len(), received.events.len()), counts);
        assert_eq!(dropped(&guest), (0, 0), "disabled signals are not counted as lost");
    }
}

#[test]
fn bodies_are_compressed_by_the_host_where_it_can() {
    let zlib = |body: &[u8]| {
        let mut encoder = flate2::read::ZlibEncoder::new(body, flate2::Compression::default());
        let mut zlib = Vec::new();
        std::io::Read::read_to_end(&mut encoder, &mut zlib).unwrap();
        zlib
    };
    let broken: ForeignFunction = |_| b"broken".to_vec();
    for (compress, is_zipped) in [(Some(zlib as ForeignFunction), true), (Some(broken), false), (None, false)]
    {
        let mut guest = start(&EACH.replace("\"batch\"", "\"compression\":\"gzip\",\"batch\""));
        if let Some(compress) = compress {
            guest.host_mut().foreign_functions.insert("compress".to_owned(), compress);
        }
        play(&mut guest);
        let token = under_way(&guest)[0];
        let encoding = guest.host().callouts[0].headers.text("content-encoding").map(str::to_owned);
        assert_eq!(encoding.as_deref() == Some("gzip"), is_zipped);
        assert_eq!(sent(&guest, token).spans.len(), 1);
        assert_eq!(guest.host().foreign_calls.len(), 1);
    }
    let mut guest = start(EACH);
    play(&mut guest);
    assert!(guest.host().foreign_calls.is_empty(), "compression is off");
}

#[test]
fn without_the_key_nothing_leaves() {
    let mut guest = start(r#""judge":{"cluster":"judge","model":"g","sample_rate":1},"redact":["email"]"#);
    play(&mut guest);
    answer_judge(&mut guest);
    pass(&mut guest, 10_000);
    assert_eq!(guest.host().callouts.len(), 1);
    assert_eq!(dropped(&guest), (0, 0));
}
