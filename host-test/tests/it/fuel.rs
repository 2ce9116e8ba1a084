//! What exchanges cost in fuel, held to the numbers in `fuel.golden.json`, and what open streams hold in memory.
//!
//! Fuel is about one unit for each wasm instruction, the same on every machine. A change that makes a case dearer or
//! cheaper has to say so, by new numbers in its commit:
//!
//! ```text
//! UPDATE_GOLDEN=1 cargo test -p host-test --test it fuel
//! ```

use std::collections::BTreeMap;

use host_test::replay::{self, Split};
use host_test::{Guest, Headers, Options};
use simulators::workspace::workspace_dir;

use crate::common;

/// Cases, as folder and name: the usual shapes of the usual formats, and what is long.
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

/// Those that are also run with a judge: how much of what is kept of a sampled exchange its judge is shown.
const JUDGED: &[&str] =
    &["openai_chat/stream-usage-chunk", "openai_chat/unary-escapes", "anthropic_messages/stream"];

/// A judge that gets every exchange.
const ALL: &[u8] = br#"{"judge":{"cluster":"judge","model":"g","sample_rate":1}}"#;

/// The same with spans and their texts going somewhere, and with spans alone.
const EXPORTED: [(&str, &[u8]); 2] = [
    ("exported", br#"{"telemetry":{"cluster":"otel"}}"#),
    (
        "exported with content",
        br#"{"telemetry":{"cluster":"otel","content":"all"},"redact":["email","card","phone","api_key","ssn"]}"#,
    ),
];

/// One that gets none.
const NONE: &[u8] = br#"{"judge":{"cluster":"judge","model":"g","sample_rate":0}}"#;

/// Other compilers make other instructions of the same source, though hardly more.
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
        "not all are there: {spent:?}"
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
            faults.push(format!("{name}: {fuel}, not {expected}"));
        }
    }
    assert_eq!(faults, [""; 0], "where this is meant, run it again with UPDATE_GOLDEN=1");
    assert_eq!(golden.len(), spent.len(), "cases that are gone: run it again with UPDATE_GOLDEN=1");
}

/// What the judge would cost those that it does not get: the sample's hash, and a word more in the log.
#[test]
fn an_exchange_that_is_not_sampled_costs_what_it_did() {
    let module = common::filter();
    for case in common::own_cases() {
        let name = format!("{}/{}", case.folder, case.name);
        if CASES.contains(&name.as_str()) {
            let [without, with] =
                [&b""[..], NONE].map(|judge| replay::run(&module, judge, &case, Split::Whole).unwrap().fuel);
            println!("{name}: {without} without a judge, {with} unsampled");
            assert!(with.saturating_sub(without) * 100 <= without * 2, "{name}: {with}, not {without}");
        }
    }
}

/// Linear memory never shrinks, and a stream may be open for minutes. Measured: 2503 bytes of OpenAI's, 2378 of
/// Anthropic's.
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
    // One that is sampled holds its texts: here a question of 360 characters.
    let sampled = retained_bytes(ALL, "/v1/chat/completions", "gpt-4o", openai);
    println!("bytes retained by each open stream that is sampled: {sampled}");
    assert!(sampled <= 6144, "{sampled}");
}

/// Growth of linear memory over 10 000 streams that are open at once, in the middle of an event, for each of them.
fn retained_bytes(configuration: &[u8], path: &str, model: &str, body: &str) -> usize {
    const STREAMS: usize = 10_000;
    let mut guest = Guest::start(&common::filter(), Options::configured(configuration)).unwrap();
    // The stacks of allocations that one stream makes and frees are there by then.
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
