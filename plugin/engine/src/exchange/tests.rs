#![allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test may panic")]

mod estimates;
mod issued;

use proptest::prelude::*;

use super::*;
use crate::record::Word;
use crate::testing::{every_cutting, pieces, points};

const MS: u64 = 1_000_000;

/// One exchange as a test describes it.
#[derive(Clone, Copy)]
struct Case<'a> {
    path: &'a str,
    request: &'a str,
    request_head: &'a [(&'a str, &'a str)],
    code: &'a str,
    content_type: &'a str,
    encoding: &'a str,
    /// Pieces of the body and the milliseconds at which they pass.
    body: &'a [(u64, &'a str)],
    has_end: bool,
    flags: u64,
}

const CHAT: Case<'_> = Case {
    path: "/v1/chat/completions",
    request: r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#,
    request_head: &[("content-type", "application/json")],
    code: "200",
    content_type: "text/event-stream",
    encoding: "",
    body: &[],
    has_end: true,
    flags: 0,
};

const MESSAGES: Case<'_> = Case { path: "/v1/messages", request: r#"{"model":"claude-sonnet-4"}"#, ..CHAT };

const CLIENT_LEFT: u64 = 1 << 14;
const UPSTREAM_RESET: u64 = 1 << 4;
const TIMEOUT: u64 = 1 << 2;

fn headers<'a>(fields: &'a [(&'a str, &'a str)]) -> Headers<'a> {
    Headers::new(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

fn begin(case: Case<'_>) -> Exchange {
    let policy = Rc::new(Policy::parse(br#"{"labels":[{"name":"tenant","header":"x-tenant"}]}"#).unwrap());
    let mut fields = vec![(":method", "POST"), (":authority", "api.openai.com"), (":path", case.path)];
    fields.extend_from_slice(case.request_head);
    Exchange::begin(&policy, &headers(&fields), &Place::default(), [7; 24], 1000 * MS).unwrap()
}

/// Runs a case, with its request and each piece of its body cut by `cut`.
fn run<'a>(case: Case<'a>, cut: impl Fn(&'a str) -> Vec<&'a [u8]>) -> Record {
    let mut exchange = begin(case);
    for piece in cut(case.request) {
        exchange.request_body(piece);
    }
    exchange.request_end();
    let fields =
        [(":status", case.code), ("content-type", case.content_type), ("content-encoding", case.encoding)];
    if !case.code.is_empty() {
        exchange.response_head(&headers(&fields));
    }
    for (at_ms, piece) in case.body {
        for piece in cut(piece) {
            exchange.response_body(piece, (1000 + at_ms) * MS);
        }
    }
    if case.has_end {
        exchange.response_end();
    }
    let end = End { code: case.code.parse().ok(), flags: case.flags, details: "via_upstream".to_owned() };
    exchange.finish(&end, 2000 * MS)
}

/// Returns the record of a case, and asserts that it does not depend on how the body is cut.
fn record(case: Case<'_>) -> Record {
    let whole = run(case, |text| vec![text.as_bytes()]);
    assert_eq!(run(case, |text| text.as_bytes().chunks(1).collect()), whole);
    assert_eq!(run(case, |text| vec![b"", text.as_bytes(), b""]), whole);
    whole
}

/// Asserts `status error usage_missing gaps` and the inclusive token counts.
fn check(case: Case<'_>, ending: &str, tokens: (Option<u64>, Option<u64>)) -> Record {
    let record = record(case);
    let gaps = record.gaps.iter().map(|gap| gap.name());
    let missing = record.usage_missing.map_or("-", UsageMissing::name);
    let words: Vec<_> =
        [record.status.name(), record.error.name(), missing].into_iter().chain(gaps).collect();
    assert_eq!(words.join(" "), ending, "{:?}", case.body);
    assert_eq!((record.answer.input_tokens, record.answer.output_tokens), tokens, "{:?}", case.body);
    record
}

const OPENAI: &[(u64, &str)] = &[
    (
        100,
        ": hello\n\ndata: {\"id\":\"c1\",\"model\":\"gpt-4o-2024\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"}}]}\n\n",
    ),
    (250, "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n"),
    (300, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n"),
    (450, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"}}]}\n\n"),
    (500, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"),
    (
        510,
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5,\"total_tokens\":14,\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\n",
    ),
    (520, "data: [DONE]\n\n"),
];

const ANTHROPIC: &[(u64, &str)] = &[
    (
        90,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"claude-x\",\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":20,\"cache_creation_input_tokens\":3,\"output_tokens\":1}}}\n\n",
    ),
    (95, "event: ping\ndata: {\"type\":\"ping\"}\n\n"),
    (
        100,
        "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\",\"name\":\"f\"}}\n\n",
    ),
    (120, "data: {\"type\":\"content_block_delta\",\"delta\":{\"partial_json\":\"{}\"}}\n\n"),
    (200, "data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"Hi\"}}\n\n"),
    (
        320,
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":11}}\n\n",
    ),
    (330, "data: {\"type\":\"message_stop\"}\n\n"),
];

const UNARY: &[(u64, &str)] = &[(
    700,
    r#"{"id":"c2","model":"gpt-4o-2024","choices":[{"index":1,"message":{"content":"b"},"finish_reason":"length"},{"index":0,"message":{"content":"a","tool_calls":[{"function":{"name":"f"}},{}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":1}}}"#,
)];

const ERROR: &[(u64, &str)] =
    &[(50, r#"{"error":{"type":"invalid_request_error","code":"context_length_exceeded","message":"x"}}"#)];

const NONE: (Option<u64>, Option<u64>) = (None, None);

#[test]
fn exchange_reads_an_openai_stream() {
    let record = check(Case { body: OPENAI, ..CHAT }, "success none -", (Some(9), Some(5)));
    let times = Times {
        duration_ms: 1000,
        first_byte_ms: Some(100),
        first_token_ms: Some(250),
        first_answer_ms: Some(300),
        per_output_token_us: Some(50_000),
    };
    assert_eq!(record.times, times);
    assert_eq!((record.provider.as_str(), record.operation), ("openai", "chat"));
    assert_eq!((record.request_model.as_deref(), record.http_status), (Some("gpt-4o"), Some(200)));
    assert_eq!(
        record.request_id,
        "07070707070707070707070707070707-0707070707070707-01-00000000-6770742d346f"
    );
    let answer = &record.answer;
    assert_eq!((answer.model.as_deref(), answer.id.as_deref()), (Some("gpt-4o-2024"), Some("c1")));
    assert_eq!(answer.finish_reasons, [Word::Text("stop".to_owned())]);
    assert_eq!((answer.content_chunks, answer.complete, answer.choices), (Some(2), Some(true), Some(1)));
}

#[test]
fn exchange_reads_an_anthropic_stream() {
    let record = check(Case { body: ANTHROPIC, ..MESSAGES }, "success none -", (Some(33), Some(11)));
    let times = Times {
        duration_ms: 1000,
        first_byte_ms: Some(90),
        first_token_ms: Some(120),
        first_answer_ms: Some(200),
        per_output_token_us: Some(8_000),
    };
    assert_eq!(record.times, times);
    let answer = &record.answer;
    assert_eq!((answer.model.as_deref(), answer.id.as_deref()), (Some("claude-x"), Some("m1")));
    assert_eq!((answer.tool_calls, answer.choices, answer.complete), (Some(1), Some(1), Some(true)));
    assert_eq!(answer.finish_reasons, [Word::Text("tool_use".to_owned())]);
}

#[test]
fn exchange_reads_a_unary_answer() {
    let case = Case { body: UNARY, content_type: "application/json", ..CHAT };
    let record = check(case, "success none -", (Some(7), Some(2)));
    assert_eq!(record.times, Times { duration_ms: 1000, first_byte_ms: Some(700), ..Times::default() });
    let words = ["stop", "length"].map(|word| Word::Text(word.to_owned()));
    assert_eq!(record.answer.finish_reasons, words);
    assert_eq!((record.answer.choices, record.answer.tool_calls), (Some(2), Some(2)));
    assert_eq!(
        (record.answer.streaming, record.answer.complete, record.answer.content_chunks),
        (false, None, None)
    );
    let messages = r#"{"id":"m","model":"c","content":[{"type":"text","text":"x"},{"type":"tool_use"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2,"cache_read_input_tokens":4}}"#;
    let record = check(Case { body: &[(9, messages)], ..MESSAGES }, "success none -", (Some(5), Some(2)));
    assert_eq!((record.answer.tool_calls, record.answer.choices), (Some(1), Some(1)));
}

#[test]
fn exchange_classifies_every_ending() {
    let stream = Case { body: &OPENAI[..3], has_end: false, ..CHAT };
    let cancelled = "cancelled client_cancelled cancelled";
    check(Case { flags: CLIENT_LEFT, ..stream }, cancelled, NONE);
    let reset = "error upstream_reset upstream_reset incomplete_stream";
    check(Case { flags: UPSTREAM_RESET, ..stream }, reset, NONE);
    check(Case { has_end: true, ..stream }, reset, NONE);
    check(Case { flags: TIMEOUT, ..stream }, "error upstream_timeout upstream_reset incomplete_stream", NONE);
    // The client received everything, so the end of the connection is not a failure.
    let whole = Case { body: OPENAI, has_end: false, ..CHAT };
    for flags in [CLIENT_LEFT, UPSTREAM_RESET, TIMEOUT] {
        check(Case { flags, ..whole }, "success none -", (Some(9), Some(5)));
    }
    // The choice ended, but usage was never requested.
    check(Case { body: &OPENAI[..5], ..CHAT }, "success none not_sent", NONE);
    let early = Case { code: "", flags: CLIENT_LEFT, has_end: false, ..CHAT };
    assert_eq!(check(early, cancelled, NONE).times.first_byte_ms, None);
    check(
        Case { body: ANTHROPIC, flags: CLIENT_LEFT, has_end: false, ..MESSAGES },
        "success none -",
        (Some(33), Some(11)),
    );
    let part = Case { body: &ANTHROPIC[..5], flags: CLIENT_LEFT, has_end: false, ..MESSAGES };
    let record = check(part, "cancelled client_cancelled cancelled", (Some(33), Some(1)));
    assert!(record.answer.is_first_output);
}

#[test]
fn exchange_classifies_errors_in_documents_and_in_streams() {
    let error = |code| Case { code, body: ERROR, content_type: "application/json", ..CHAT };
    let record = check(error("400"), "error context_length -", NONE);
    assert_eq!(record.answer.error_code, Some(Word::Text("context_length_exceeded".to_owned())));
    assert_eq!(record.error_in_stream(), Some(false));
    check(error("200"), "error context_length not_sent", NONE);
    let event = &[OPENAI[2], (400, "data: {\"error\":{\"type\":\"server_error\"}}\n\n")];
    let record = check(Case { body: event, ..CHAT }, "error in_stream not_sent", NONE);
    assert_eq!(record.error_in_stream(), Some(true));
    // A client that closes the connection after an error did not cancel.
    let closed = Case { body: event, has_end: false, flags: CLIENT_LEFT, ..CHAT };
    check(closed, "error in_stream not_sent", NONE);
    let html = Case { code: "502", body: &[(5, "<html>")], content_type: "text/html", ..CHAT };
    check(html, "error server_error - not_json", NONE);
    check(
        Case { body: &[(5, r#"{"error":null,"usage":{"prompt_tokens":1,"completion_tokens":2}}"#)], ..CHAT },
        "success none -",
        (Some(1), Some(2)),
    );
}

#[test]
fn exchange_reports_an_unreadable_body_as_a_gap_and_not_as_an_error() {
    let encoded = |encoding| Case { body: OPENAI, encoding, ..CHAT };
    check(encoded("gzip"), "success none unreadable decode_failed", NONE);
    let record = check(encoded("compress"), "success none unreadable unknown_encoding", NONE);
    assert_eq!(record.times.first_byte_ms, Some(100));
    let json = |body| Case { body, content_type: "application/json", ..CHAT };
    check(json(&[(5, "{\"id\":\"x\"")]), "success none unreadable truncated", NONE);
    check(json(&[(5, "{\"id\":}")]), "success none unreadable malformed", NONE);
    check(json(&[]), "success none not_sent", NONE);
    let cut = Case { flags: CLIENT_LEFT, has_end: false, ..json(&[(5, "{\"id\":\"x\"")]) };
    check(cut, "cancelled client_cancelled cancelled", NONE);
    let event = &[OPENAI[0], (200, "data: {]\n\n"), OPENAI[5], OPENAI[6]];
    check(Case { body: event, ..CHAT }, "success none - malformed", (Some(9), Some(5)));
}

#[test]
fn a_gap_in_the_request_does_not_explain_missing_usage() {
    let bad = Case { request: "{]", body: &OPENAI[..5], ..CHAT };
    assert_eq!(check(bad, "success none not_sent malformed", NONE).request_model, None);
    let both = Case { request: "{]", body: &[(5, "{]")], ..CHAT };
    check(both, "success none unreadable malformed", NONE);
    let cut = Case { request: r#"{"model":"gpt-4o","messages":["#, body: OPENAI, ..CHAT };
    let record = check(cut, "success none - truncated", (Some(9), Some(5)));
    assert_eq!(record.request_model.as_deref(), Some("gpt-4o"));
    let with = |request_head| Case { request_head, body: OPENAI, ..CHAT };
    let model = |case, ending| check(case, ending, (Some(9), Some(5))).request_model.is_some();
    assert!(model(with(&[("content-type", "text/plain")]), "success none -"));
    assert!(!model(with(&[("content-type", "Multipart/Form-Data; boundary=x")]), "success none -"));
    assert!(!model(with(&[("content-encoding", "gzip")]), "success none - decode_failed"));
    assert!(!model(with(&[("content-encoding", "compress")]), "success none - unknown_encoding"));
}

#[test]
fn the_last_of_duplicate_keys_counts() {
    let request = r#"{"model":"a","model":"b"}"#;
    let body = &[(5, r#"{"usage":{"prompt_tokens":1,"completion_tokens":1,"prompt_tokens":5}}"#)];
    let record = check(Case { request, body, ..CHAT }, "success none -", (Some(5), Some(1)));
    assert_eq!(record.request_model.as_deref(), Some("b"));
}

#[test]
fn later_usage_replaces_earlier_usage() {
    let usage = |tokens: &str| format!("data: {{\"choices\":[],\"usage\":{tokens}}}\n\n");
    let first = usage(r#"{"prompt_tokens":1,"completion_tokens":1}"#);
    let second = usage(r#"{"prompt_tokens":2,"completion_tokens":null}"#);
    let invalid = usage(r#"{"prompt_tokens":-5,"completion_tokens":"7"}"#);
    let body = [(1, first.as_str()), (2, &second), (3, &invalid), OPENAI[4], OPENAI[6]];
    check(Case { body: &body, ..CHAT }, "success none -", (Some(2), Some(1)));
    let float = usage(r#"{"prompt_tokens":12.0,"completion_tokens":1.2e1}"#);
    let invalid = usage(r#"{"prompt_tokens":1.5,"completion_tokens":99999999999999999999}"#);
    let body = [(1, float.as_str()), (2, &invalid), OPENAI[4], OPENAI[6]];
    check(Case { body: &body, ..CHAT }, "success none -", (Some(12), Some(12)));
}

#[test]
fn a_count_that_no_exchange_can_have_is_a_gap() {
    let implausible = ("9000000000000000000", "success none unreadable implausible_usage", None);
    for (tokens, result, input) in [("100000000", "success none -", Some(100_000_000)), implausible] {
        let usage = format!("data: {{\"usage\":{{\"prompt_tokens\":{tokens}}}}}\n\n");
        check(Case { body: &[(2, usage.as_str()), OPENAI[4], OPENAI[6]], ..CHAT }, result, (input, None));
    }
}

#[test]
fn hostile_answers_stay_within_the_bounds() {
    let choice = |number: usize| {
        format!("{{\"index\":{number},\"delta\":{{\"content\":\"x\"}},\"finish_reason\":\"stop\"}}")
    };
    let choices = |range: core::ops::Range<usize>| range.map(choice).collect::<Vec<_>>().join(",");
    let events: String = (0..2)
        .map(|half| format!("data: {{\"choices\":[{}]}}\n\n", choices(half * 200..half * 200 + 200)))
        .collect();
    let record =
        check(Case { body: &[(5, &events)], ..CHAT }, "success none unreadable too_many_values", NONE);
    assert_eq!((record.answer.choices, record.answer.finish_reasons.len()), (Some(256), 256));
    let wide = format!("{{\"choices\":[{}]}}", vec![choice(0); 1000].join(","));
    check(Case { body: &[(5, &wide)], ..CHAT }, "success none unreadable too_many_values", NONE);
    let long = choice(0).replace("stop", &"x".repeat(300));
    let talkative = format!("{{\"choices\":[{}]}}", vec![long; 100].join(","));
    check(Case { body: &[(5, &talkative)], ..CHAT }, "success none unreadable too_many_values", NONE);
    let name = "é".repeat(100_000);
    let long = format!("{{\"id\":\"{name}\",\"model\":\"{name}\",\"usage\":{{\"prompt_tokens\":1}}}}");
    let request = format!("{{\"model\":\"{name}\"}}");
    let record =
        check(Case { request: &request, body: &[(5, &long)], ..CHAT }, "success none -", (Some(1), None));
    assert_eq!(record.request_model.as_deref(), Some(&name[..256]));
    assert_eq!(record.answer.id.as_deref(), Some(&name[..256]));
}

#[test]
fn time_per_output_token_needs_two_tokens_and_two_deltas() {
    let per_token = |body: &[(u64, &str)], output: &str| {
        let usage = format!("data: {{\"usage\":{{\"completion_tokens\":{output}}}}}\n\n");
        let body = [body, &[(900, usage.as_str()), OPENAI[4]]].concat();
        record(Case { body: &body, ..CHAT }).times.per_output_token_us
    };
    assert_eq!(per_token(&OPENAI[..4], "3"), Some(100_000));
    assert_eq!(per_token(&OPENAI[..4], "1"), None);
    assert_eq!(per_token(&OPENAI[..4], "0"), None);
    assert_eq!(per_token(&OPENAI[..4], "null"), None);
    assert_eq!(per_token(&OPENAI[..3], "2"), Some(50_000));
    assert_eq!(per_token(&OPENAI[..1], "9"), None);
}

#[test]
fn a_stream_that_breaks_off_has_no_time_per_output_token() {
    // Five output tokens were reported at the start, and deltas arrived until the stream broke off.
    let start = "data: {\"message\":{\"usage\":{\"input_tokens\":1,\"output_tokens\":5}}}\n\n";
    let body = [&[(90, start)], &ANTHROPIC[3..5]].concat();
    let cut = record(Case { body: &body, ..MESSAGES });
    assert_eq!((cut.answer.output_tokens, cut.times.per_output_token_us), (Some(5), None));
    let whole = [&body[..], &ANTHROPIC[6..]].concat();
    assert_eq!(record(Case { body: &whole, ..MESSAGES }).times.per_output_token_us, Some(20_000));
}

#[test]
fn a_record_does_not_depend_on_how_the_body_is_cut() {
    for (case, events) in [(CHAT, OPENAI), (MESSAGES, ANTHROPIC), (CHAT, UNARY), (CHAT, ERROR)] {
        let text: String = events.iter().map(|(_, text)| *text).collect();
        for end in 0..=text.len() {
            record(Case { body: &[(100, &text[..end])], ..case });
            record(Case { body: &[(100, &text[..end])], has_end: false, flags: CLIENT_LEFT, ..case });
        }
        let body = [(100, text.as_str())];
        let case = Case { body: &body, ..case };
        let whole = record(case);
        for cutting in every_cutting(text.as_bytes()) {
            let request = vec![case.request.as_bytes()];
            assert_eq!(run(case, |part| if part == text { cutting.clone() } else { request.clone() }), whole);
        }
    }
}

proptest! {
    #[test]
    fn a_prefix_of_a_body_gives_one_record_however_it_is_cut(
        which in 0..4_usize, end: prop::sample::Index, points in points(), has_end: bool, shift in 0..29_u32,
    ) {
        let (case, events) = [(CHAT, OPENAI), (MESSAGES, ANTHROPIC), (CHAT, UNARY), (CHAT, ERROR)][which];
        let text: String = events.iter().map(|(_, text)| *text).collect();
        let body = [(100, &text[..end.index(text.len() + 1)])];
        let case = Case { body: &body, has_end, flags: 1 << shift, ..case };
        prop_assert_eq!(run(case, |text| pieces(text.as_bytes(), &points)), record(case));
    }
}
