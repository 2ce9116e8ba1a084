//! Hostile and broken traffic through the real wasm. After each exchange: no trap, no active request left, and exactly
//! one request counted under the right labels.

use std::collections::BTreeMap;

use host_test::drive::LocalReply;
use host_test::{ChunkPlan, Ending, Exchange, Guest, Headers, LogLevel, Options, StreamReport, drive};
use serde_json::{Value, json};

use crate::common;

mod bodies;
mod bounds;
mod endings;

/// Text that is not UTF-8.
const NOT_TEXT: &[u8] = b"\xff\xfe caf\xe9";

fn start(configuration: &Value) -> Guest {
    let mut options = Options::configured(configuration.to_string());
    // A quarter of this is the bound that `bounds` tests; the rest distinguishes a leak from a trap.
    options.memory_bytes_max = 64 * 1024 * 1024;
    Guest::start(&common::filter(), options).unwrap()
}

fn metering() -> Guest {
    start(&json!({"filter_state": ["record"]}))
}

fn request_head() -> Headers {
    Headers::request("POST", "api.openai.com", "/v1/chat/completions")
        .with("content-type", "application/json")
}

fn response_head() -> Headers {
    Headers::response(200).with("content-type", "application/json")
}

fn stream_head() -> Headers {
    Headers::response(200).with("content-type", "text/event-stream")
}

const REQUEST: &[u8] = br#"{"model":"gpt-4o-mini","messages":[]}"#;
const RESPONSE: &[u8] = br#"{"id":"chatcmpl-1","model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}"#;

fn exchange() -> Exchange {
    Exchange::new(request_head(), REQUEST, response_head(), RESPONSE)
}

/// Plays an exchange and checks the invariant of all: the bytes are unchanged in both directions.
fn play(guest: &mut Guest, exchange: &Exchange, plan: &ChunkPlan) -> StreamReport {
    let report = drive(guest, exchange, plan).unwrap();
    assert_eq!(report.upstream.body, exchange.request_body);
    assert_eq!(report.client.body, exchange.response_body);
    report
}

fn counted(guest: &Guest, expected: &[(&str, u64)]) {
    let expected: BTreeMap<_, _> =
        expected.iter().map(|(labels, count)| ((*labels).to_owned(), *count)).collect();
    assert_eq!(common::requests(guest), expected);
}

fn counter(guest: &Guest, name: &str) -> Option<u64> {
    guest.host().metric(name)
}

fn gaps(report: &StreamReport) -> Value {
    host_test::replay::record(report).unwrap()["gaps"].clone()
}

const SUCCESS: &str = "openai/gpt-4o-mini/chat/success/none";

#[test]
fn header_values_need_not_be_text() {
    let labels = json!([{"name": "team", "header": "x-team"}]);
    let mut guest = start(&json!({"labels": labels}));
    let mut exchange = exchange();
    for name in ["x-team", "x-request-id", "traceparent", "content-type", "user-agent", "x-llm-gauge"] {
        exchange.request_headers.set(name, NOT_TEXT);
    }
    exchange.request_headers.set(":path", [b"/v1/chat/completions?q=", NOT_TEXT].concat());
    let head = exchange.response_headers.insert(response_head());
    head.set("content-type", NOT_TEXT);
    head.set("x-request-id", NOT_TEXT);
    head.set("server", NOT_TEXT);
    let report = play(&mut guest, &exchange, &ChunkPlan::whole());

    counted(&guest, &[(&format!("{SUCCESS}/\u{fffd}\u{fffd} caf\u{fffd}"), 1)]);
    let got = report.client.headers.unwrap();
    assert_eq!(got.get("server"), Some(NOT_TEXT));
    assert!(got.text("x-llm-request-id").is_some_and(|id| id.len() > 49 && id.is_ascii()));
}

#[test]
fn a_host_or_a_model_need_not_be_text() {
    let mut guest = metering();
    let mut exchange = exchange();
    exchange.request_headers.set(":authority", NOT_TEXT);
    exchange.request_body = [b"{\"model\":\"", NOT_TEXT, b"\"}"].concat();
    play(&mut guest, &exchange, &ChunkPlan::every(1));
    counted(&guest, &[("openai_compatible/\u{fffd}\u{fffd} caf\u{fffd}/chat/success/none", 1)]);
}

/// A character that would end a stat's name or a line of a scrape never gets into a name.
#[test]
fn label_values_cannot_break_out() {
    let mut guest = metering();
    let mut exchange = exchange();
    exchange.request_body = br#"{"model":"a;.;.model=.=b\n\u0000\u0007c;.;"}"#.to_vec();
    play(&mut guest, &exchange, &ChunkPlan::whole());
    counted(&guest, &[("openai/a;_;_model=_=b___c;_;/chat/success/none", 1)]);
}

#[test]
fn header_names_may_be_odd_and_many() {
    let mut guest = metering();
    let mut exchange = exchange();
    let response = exchange.response_headers.insert(response_head());
    for headers in [&mut exchange.request_headers, response] {
        for name in [&b""[..], b"\0", b"x\0y", b"\xff\xfe", b": :", b"x-\xc3\xa4", &[b'n'; 70_000]] {
            headers.add(name, "1");
        }
        for number in 0..1500 {
            headers.add(format!("x-{number}"), "");
        }
    }
    play(&mut guest, &exchange, &ChunkPlan::whole());
    counted(&guest, &[(SUCCESS, 1)]);
}

/// Pseudo headers that are missing, empty or senseless: metered or not, the traffic continues.
#[test]
fn heads_need_not_be_whole() {
    let mut guest = metering();
    let bare = Exchange::new(Headers::new(), REQUEST, Headers::new(), RESPONSE);
    play(&mut guest, &bare, &ChunkPlan::whole());
    counted(&guest, &[]);

    let mut exchange = exchange();
    exchange.request_headers.remove(":authority");
    exchange.response_headers = Some(Headers::from([(":status", "")]));
    play(&mut guest, &exchange, &ChunkPlan::whole());
    exchange.response_headers = Some(Headers::from([(":status", "99999999999999999999")]));
    play(&mut guest, &exchange, &ChunkPlan::whole());
    counted(&guest, &[("openai_compatible/gpt-4o-mini/chat/success/none", 2)]);
}

#[test]
fn other_traffic_is_unchanged_and_not_metered() {
    let mut guest = metering();
    for (method, path) in [("GET", "/v1/chat/completions"), ("POST", "/v1/models"), ("POST", "")] {
        let head = Headers::request(method, "example.com", path);
        let exchange = Exchange::new(head, REQUEST, response_head(), RESPONSE);
        let report = play(&mut guest, &exchange, &ChunkPlan::whole());
        assert_eq!(report.client.headers, Some(response_head()));
        assert_eq!(report.filter_state, BTreeMap::new());
    }
    counted(&guest, &[]);
}

#[test]
fn a_refused_configuration_says_which_key() {
    for (configuration, line) in [
        (r#"{"models":{"max_series":0}}"#, "models.max_series: expected at least 1, got 0"),
        (r#"{"modles":{}}"#, "modles: expected one of `service`, "),
        (r#"{"match":[{},{"format":"nope"}]}"#, "match[1].format: expected one of aleph_alpha_complete, "),
        (r#"{"limits":{"event_bytes":"many"}}"#, "limits.event_bytes: expected a whole number, got `many`"),
        ("{", "expected valid JSON, got EOF while parsing an object"),
        ("\u{0}", "expected valid JSON, got expected value"),
    ] {
        let options = Options::configured(configuration);
        let (guest, started) = Guest::try_start(&common::filter(), options).unwrap();
        let failure = started.unwrap_err();
        assert_eq!(
            (failure.kind, failure.callback.as_str()),
            (host_test::FailureKind::Refused, "proxy_on_configure"),
            "{configuration}"
        );
        let logged = guest.host().logged(LogLevel::Error);
        assert_eq!(logged.len(), 1, "{logged:?}");
        let start = format!("llm-gauge: configuration refused: {line}");
        assert!(logged[0].starts_with(&start), "{}", logged[0]);
        assert_eq!(guest.host().logged(LogLevel::Critical), [""; 0]);
    }
}

#[test]
fn requests_that_no_rule_meters_are_counted() {
    let mut guest = start(&json!({"match": [{"path": "/v1/*"}]}));
    let post = |path: &str, content_type: &str| {
        let head = Headers::request("POST", "example.com", path).with("content-type", content_type);
        Exchange::new(head, REQUEST, response_head(), RESPONSE)
    };
    for (path, content_type) in [
        ("/v1/chat/completions", "application/json"),
        ("/v2/chat", "application/json; charset=utf-8"),
        ("/v1/orders", "application/json"),
        ("/v2/chat", "text/plain"),
    ] {
        play(&mut guest, &post(path, content_type), &ChunkPlan::whole());
    }
    let unmatched =
        |reason: &str| guest.host().metric(&format!("llm_gauge_unmatched_total.reason=.={reason};.;"));
    assert_eq!((unmatched("rule"), unmatched("format")), (Some(1), Some(1)));
}
