//! The fuel of exchanges, compared with `fuel.golden.json`, and the memory of open streams.
//!
//! Fuel is about one unit for each wasm instruction, the same on every machine. A change that makes a case more
//! expensive or cheaper has to include the new numbers in its commit:
//!
//! ```text
//! UPDATE_GOLDEN=1 cargo test -p host-test --test it fuel
//! ```

use std::collections::BTreeMap;

use host_test::replay::{self, Split};
use host_test::{Guest, Headers, Options};
use simulators::workspace::workspace_dir;

use crate::common;

/// Cases, as folder and name: the usual shapes of the usual formats, and long ones.
const CASES: &[&str] = &[
    "anthropic_messages/stream",
    "anthropic_messages/stream-tool-calls",
    "anthropic_messages/unary",
    "anthropic_messages/error-429",
    "openai_chat/stream-usage-chunk",
    "openai_chat/stream-reasoning",
    "openai_chat/stream-cut-inside-event",
    "openai_chat/unary-escapes",
    "openai_chat/unary-decoys",
    "openai_chat/error-html",
    "openai_chat/unary-pretty-printed",
    "openai_chat/unary-no-usage",
];

/// Cases that also run with a judge, and so capture the texts of a sampled exchange.
const JUDGED: &[&str] =
    &["openai_chat/stream-usage-chunk", "openai_chat/unary-escapes", "anthropic_messages/stream"];

/// A judge that gets every exchange.
const ALL: &[u8] = br#"{"judge":{"cluster":"judge","model":"g","sample_rate":1}}"#;

/// Configurations that export spans with and without texts.
const EXPORTED: [(&str, &[u8]); 2] = [
    ("exported", br#"{"telemetry":{"cluster":"otel"}}"#),
    (
        "exported with content",
        br#"{"telemetry":{"cluster":"otel","content":"all"},"redact":["email","card","phone","api_key","ssn"]}"#,
    ),
];

/// A judge that gets no exchange.
const NONE: &[u8] = br#"{"judge":{"cluster":"judge","model":"g","sample_rate":0}}"#;

/// Another compiler generates slightly different instructions from the same source.
const TOLERANCE_PERCENT: u64 = 2;

#[test]
fn fuel_is_as_it_was() {
    let path = workspace_dir().join("host-test/tests/it/fuel.golden.json");
    let module = common::filter();
    let mut spent = BTreeMap::new();
    for case in common::own_cases() {
        let name = format!("{}/{}", case.folder, case.name);
        if CASES.contains(&name.as_str()) {
            if JUDGED.contains(&name.as_str()) {
                let fuel = replay::run(&module, ALL, &case, Split::Whole).unwrap().fuel;
                spent.insert(format!("{name} (sampled)"), fuel);
                for (what, keys) in EXPORTED {
                    let fuel = replay::run(&module, keys, &case, Split::Whole).unwrap().fuel;
                    spent.insert(format!("{name} ({what})"), fuel);
                }
            }
            spent.insert(name, replay::run(&module, b"", &case, Split::Whole).unwrap().fuel);
        }
    }
    assert_eq!(
        spent.len(),
        CASES.len() + JUDGED.len() * (1 + EXPORTED.len()),
        "cases are missing: {spent:?}"
    );
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&spent).unwrap())).unwrap();
        return;
    }
    let golden: BTreeMap<String, u64> =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap_or_default()).unwrap_or_default();
    let mut faults = Vec::new();
    for (name, fuel) in &spent {
        let expected = golden.get(name).copied().unwrap_or(0);
        if fuel.abs_diff(expected) * 100 > expected * TOLERANCE_PERCENT {
            faults.push(format!("{name}: expected {expected}, got {fuel}"));
        }
    }
    assert_eq!(faults, [""; 0], "if the change is intended, run the test with UPDATE_GOLDEN=1");
    assert_eq!(golden.len(), spent.len(), "removed cases: run the test with UPDATE_GOLDEN=1");
}

/// The cost of a judge for exchanges that it does not get: the sample's hash, and the
/// field `sampled` in the access log.
#[test]
fn an_exchange_that_is_not_sampled_costs_what_it_did() {
    let module = common::filter();
    for case in common::own_cases() {
        let name = format!("{}/{}", case.folder, case.name);
        if CASES.contains(&name.as_str()) {
            let [without, with] =
                [&b""[..], NONE].map(|judge| replay::run(&module, judge, &case, Split::Whole).unwrap().fuel);
            println!("{name}: {without} without a judge, {with} unsampled");
            assert!(
                with.saturating_sub(without) * 100 <= without * 2,
                "{name}: expected {without}, got {with}"
            );
        }
    }
}

/// Linear memory never shrinks, and a stream may be open for minutes. Measured: 2503 bytes for OpenAI, 2378 for
/// Anthropic.
#[test]
fn an_open_stream_holds_little_memory() {
    let openai = concat!(
        r#"data: {"id":"chatcmpl-AyPNinnUqUDYo9SAdA52NobMflmj2","object":"chat.completion.chunk","#,
        r#""created":1738960610,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"delta":"#,
        r#"{"role":"assistant","content":"Hello"},"logprobs":null,"finish_reason":null}],"usage":null}"#,
        "\n\n",
        r#"data: {"id":"chatcmpl-AyPNinnUqUDYo9SAdA52NobMflmj2","choices":[{"index":0,"delta":{"content":" wo"#
    );
    let anthropic = concat!(
        "event: message_start\n",
        r#"data: {"type":"message_start","message":{"id":"msg_01KNGNRqTUJxrEtZPzeqsxKy","role":"assistant","#,
        r#""model":"claude-sonnet-4-5-20250929","content":[],"usage":{"input_tokens":512,"output_tokens":1}}}"#,
        "\n\nevent: content_block_delta\n",
        r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}"#,
        "\n\nevent: content_block_delta\n",
        r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_de"#
    );
    for judge in [&b"{}"[..], NONE] {
        let openai = retained_bytes(judge, "/v1/chat/completions", "gpt-4o", openai);
        let anthropic = retained_bytes(judge, "/v1/messages", "claude-sonnet-4-5", anthropic);
        println!("bytes retained by each open stream: {openai} of OpenAI, {anthropic} of Anthropic");
        assert!(openai <= 4096, "{openai}");
        assert!(anthropic <= 4096, "{anthropic}");
    }
    // A sampled stream holds its texts: here a question of 360 characters.
    let sampled = retained_bytes(ALL, "/v1/chat/completions", "gpt-4o", openai);
    println!("bytes retained by each open stream that is sampled: {sampled}");
    assert!(sampled <= 6144, "{sampled}");
}

/// Returns the growth of linear memory per stream, over 10 000 streams that are open at once, in the middle of an
/// event.
fn retained_bytes(configuration: &[u8], path: &str, model: &str, body: &str) -> usize {
    const STREAMS: usize = 10_000;
    let mut guest = Guest::start(&common::filter(), Options::configured(configuration)).unwrap();
    // The allocator has reserved what one stream allocates and frees.
    (0..500).for_each(|_| open(&mut guest, path, model, body));
    let before = guest.host().memory.bytes;
    (0..STREAMS).for_each(|_| open(&mut guest, path, model, body));
    let proxy_state = guest.host().proxy_state();
    let mut active =
        proxy_state.metrics.iter().filter(|((stat, _), _)| stat.starts_with("llm_active_requests."));
    assert_eq!(active.next().map(|(_, metric)| metric.value), Some(10_500), "all are metered, and open");
    drop(proxy_state);
    (guest.host().memory.bytes - before) / STREAMS
}

fn open(guest: &mut Guest, path: &str, model: &str, body: &str) {
    let request = Headers::request("POST", "api.example", path).with("content-type", "application/json");
    let text = "Why is the sky blue, and since when? ".repeat(10);
    let asked =
        format!(r#"{{"model":"{model}","stream":true,"messages":[{{"role":"user","content":"{text}"}}]}}"#);
    let mut stream = guest.open().unwrap();
    stream.request(&request, &[asked.as_bytes()]).unwrap();
    let head = Headers::response(200).with("content-type", "text/event-stream");
    stream.response_headers(&head, false).unwrap();
    for piece in body.split_inclusive("\n\n") {
        stream.response_body(piece.as_bytes(), false).unwrap();
    }
}
