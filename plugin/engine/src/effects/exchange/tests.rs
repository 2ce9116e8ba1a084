use std::rc::Rc;

use super::*;
use crate::config::Place;
use crate::effects::build_info;
use crate::exchange::End;
use crate::exchange::Exchange;
use crate::filter_state::FILTER_STATE_KEYS;
use crate::head::Headers;

const MS: u64 = 1_000_000;

/// Returns the effects of one exchange, one on each line.
fn effects(config: &str, code: &str, flags: u64, body: &[(u64, &str)]) -> Vec<String> {
    let policy = Rc::new(Policy::parse(config.as_bytes()).unwrap());
    let request = [
        (":method", "POST"),
        (":authority", "api.openai.com"),
        (":path", "/v1/chat/completions"),
        ("x-tenant", "acme"),
    ];
    let headers = |fields: &[(&'static str, &'static str)]| {
        let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        Headers::new(fields.collect::<Vec<_>>())
    };
    let mut exchange = Exchange::begin(&policy, &headers(&request), &Place::default(), [7; 24], 0).unwrap();
    exchange.request_body(br#"{"model":"gpt-4o"}"#);
    exchange.request_end();
    if !code.is_empty() {
        let status = Box::leak(code.to_owned().into_boxed_str());
        exchange.response_head(&headers(&[(":status", status)]));
    }
    for (at_ms, piece) in body {
        exchange.response_body(piece.as_bytes(), at_ms.saturating_mul(MS));
    }
    if flags == 0 {
        exchange.response_end();
    }
    let end = End { code: code.parse().ok(), flags, details: "via_upstream".to_owned() };
    let record = exchange.finish(&end, 1000 * MS);
    let effects = exchange_effects(&record, &policy, &mut Series::new(&policy));
    let states = effects.filter_state.into_iter().map(|state| format!("state {} {}", state.key, state.value));
    assert_eq!(effects.jobs, []);
    effects.stats.into_iter().map(line).chain(states).collect()
}

/// Returns an update as one line, without the delimiters `;.;` and `=.=` of labels.
fn line(update: StatUpdate) -> String {
    let short = |stat: String| stat.replace(";.;", "").replace("=.=", "=");
    match update {
        StatUpdate::Count { stat, by } => format!("count {} {by}", short(stat)),
        StatUpdate::Observe { stat, value } => format!("observe {} {value}", short(stat)),
        StatUpdate::Add { stat, by } => format!("add {} {by}", short(stat)),
        StatUpdate::Set { stat, value } => format!("set {} {value}", short(stat)),
    }
}

const UNARY: &[(u64, &str)] = &[(
    700,
    r#"{"id":"c1","model":"gpt-4o-2024","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0}}}"#,
)];

const STREAM: &[(u64, &str)] = &[
    (100, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"),
    (300, "data: {\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\n"),
    (
        310,
        "data: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,\"total_tokens\":10,\"completion_tokens_details\":{\"reasoning_tokens\":1}}}\n\n",
    ),
    (320, "data: [DONE]\n\n"),
];

const ID: &str = "07070707070707070707070707070707-0707070707070707-01-00000000-6770742d346f";

#[test]
fn effects_of_a_unary_exchange() {
    let json = format!(
        r#"{{"request_id":"{ID}","provider":"openai","operation":"chat","request_model":"gpt-4o","model":"gpt-4o","response_model":"gpt-4o-2024","status":"success","error":"none","finish_reasons":["stop"],"input_tokens":7,"output_tokens":2,"total_tokens":9,"cached_input_tokens":4,"source":"reported","duration_ms":1000,"first_byte_ms":700,"response_id":"c1"}}"#
    );
    let expected = [
        "add llm_active_requests.provider=openai -1",
        "count llm_requests_total.provider=openai.model=gpt-4o.operation=chat.status=success.error=none 1",
        "observe llm_request_duration_milliseconds.provider=openai.model=gpt-4o.operation=chat 1000",
        "observe llm_time_to_first_byte_milliseconds.provider=openai.model=gpt-4o 700",
        "count llm_tokens_total.provider=openai.model=gpt-4o.type=input.source=reported 7",
        "count llm_tokens_total.provider=openai.model=gpt-4o.type=output.source=reported 2",
        "count llm_token_details_total.provider=openai.model=gpt-4o.type=cached_input 4",
        &format!("state json {json}"),
        "state total_tokens 9",
    ];
    assert_eq!(effects("{}", "200", 0, UNARY), expected);
}

#[test]
fn effects_of_a_stream_with_an_extra_label_and_filter_state_keys() {
    let config = r#"{"labels":[{"name":"tenant","header":"x-tenant"}],"models":{"rename":[{"match":"gpt-*","to":"gpt"}]},
        "filter_state":["input_tokens","reasoning_tokens","first_answer_ms","response_id","model","finish_reasons"]}"#;
    let renamed = ID.replace("6770742d346f", "677074");
    let json = format!(
        r#"{{"request_id":"{renamed}","provider":"openai","operation":"chat","request_model":"gpt-4o","model":"gpt","status":"success","error":"none","finish_reasons":["stop"],"input_tokens":7,"output_tokens":3,"total_tokens":10,"reasoning_tokens":1,"source":"reported","duration_ms":1000,"first_byte_ms":100,"first_token_ms":100,"first_answer_ms":100,"tenant":"acme"}}"#
    );
    let expected = [
        "add llm_active_requests.provider=openai -1",
        "count llm_requests_total.provider=openai.model=gpt.operation=chat.status=success.error=none.tenant=acme 1",
        "observe llm_request_duration_milliseconds.provider=openai.model=gpt.operation=chat.tenant=acme 1000",
        "observe llm_time_to_first_byte_milliseconds.provider=openai.model=gpt.tenant=acme 100",
        "observe llm_time_to_first_token_milliseconds.provider=openai.model=gpt.tenant=acme 100",
        "observe llm_time_to_first_answer_milliseconds.provider=openai.model=gpt.tenant=acme 100",
        "observe llm_time_per_output_token_microseconds.provider=openai.model=gpt.tenant=acme 100000",
        "count llm_tokens_total.provider=openai.model=gpt.type=input.source=reported.tenant=acme 7",
        "count llm_tokens_total.provider=openai.model=gpt.type=output.source=reported.tenant=acme 3",
        "count llm_token_details_total.provider=openai.model=gpt.type=reasoning.tenant=acme 1",
        &format!("state json {json}"),
        "state total_tokens 10",
        "state input_tokens 7",
        "state reasoning_tokens 1",
        "state first_answer_ms 100",
        "state response_id -",
        "state model gpt",
        r#"state finish_reasons ["stop"]"#,
    ];
    assert_eq!(effects(config, "200", 0, STREAM), expected);
}

#[test]
fn effects_of_an_error() {
    let body = &[(50, r#"{"error":{"type":"rate_limit_error"}}"#)];
    let json = format!(
        r#"{{"request_id":"{ID}","provider":"openai","operation":"chat","request_model":"gpt-4o","model":"gpt-4o","status":"error","error":"rate_limited","duration_ms":1000,"first_byte_ms":50}}"#
    );
    let expected = [
        "add llm_active_requests.provider=openai -1",
        "count llm_requests_total.provider=openai.model=gpt-4o.operation=chat.status=error.error=rate_limited 1",
        "observe llm_request_duration_milliseconds.provider=openai.model=gpt-4o.operation=chat 1000",
        "observe llm_time_to_first_byte_milliseconds.provider=openai.model=gpt-4o 50",
        &format!("state json {json}"),
        "state total_tokens 0",
        "state input_tokens 0",
        "state source -",
    ];
    assert_eq!(effects(r#"{"filter_state":["input_tokens","source"]}"#, "429", 0, body), expected);
}

#[test]
fn effects_of_a_cancelled_exchange_whose_model_has_no_series() {
    let json = format!(
        r#"{{"request_id":"{ID}","provider":"openai","operation":"chat","request_model":"gpt-4o","model":"other","status":"cancelled","error":"client_cancelled","duration_ms":1000}}"#
    );
    let expected = [
        "add llm_active_requests.provider=openai -1",
        "count llm_requests_total.provider=openai.model=other.operation=chat.status=cancelled.error=client_cancelled 1",
        "observe llm_request_duration_milliseconds.provider=openai.model=other.operation=chat 1000",
        "count llm_usage_missing_total.provider=openai.model=other.reason=cancelled 1",
        "count llm_gauge_series_overflow_total.limit=models 1",
        &format!("state json {json}"),
        "state total_tokens 0",
    ];
    assert_eq!(effects(r#"{"models":{"max_series":1,"known":["x"]}}"#, "", 1 << 14, &[]), expected);
}

#[test]
fn estimated_tokens_are_counted_apart_from_reported_ones() {
    let body = &[(100, "data: {\"choices\":[{\"delta\":{\"content\":\"one two three\"}}]}\n\n")];
    let lines = |config| effects(config, "200", 1 << 14, body);
    let has = |lines: &[String], line: &str| lines.iter().any(|found| found.contains(line));
    let on = lines("{}");
    assert!(
        has(&on, "count llm_tokens_total.provider=openai.model=gpt-4o.type=output.source=estimated 3"),
        "{on:?}"
    );
    assert!(has(&on, "llm_usage_missing_total.provider=openai.model=gpt-4o.reason=cancelled 1"), "{on:?}");
    assert!(has(&on, r#""output_tokens":3,"source":"estimated""#), "{on:?}");
    let off = lines(r#"{"estimate":"off"}"#);
    assert!(!has(&off, "estimated") && !has(&off, "llm_tokens_total"), "{off:?}");
    assert!(has(&off, "llm_usage_missing_total"), "{off:?}");
}

#[test]
fn gaps_are_counted() {
    let config = r#"{"labels":[{"name":"tenant","header":"x-tenant"}]}"#;
    let lines = effects(config, "200", 0, &[(5, "{]")]);
    assert!(lines.contains(&"count llm_gauge_gaps_total.reason=malformed 1".to_owned()), "{lines:?}");
    let missing =
        "count llm_usage_missing_total.provider=openai.model=gpt-4o.reason=unreadable.tenant=acme 1";
    assert!(lines.contains(&missing.to_owned()), "{lines:?}");
}

#[test]
fn every_key_of_filter_state_resolves() {
    let all: Vec<_> = FILTER_STATE_KEYS.iter().map(|(key, _)| *key).collect();
    let config = format!("{{\"filter_state\":{}}}", serde_json::to_string(&all).unwrap());
    let expected = [
        ("record", "-"),
        ("request_id", ID),
        ("provider", "openai"),
        ("operation", "chat"),
        ("request_model", "gpt-4o"),
        ("model", "gpt-4o"),
        ("response_model", "gpt-4o-2024"),
        ("status", "success"),
        ("error", "none"),
        ("source", "reported"),
        ("finish_reasons", r#"["stop"]"#),
        ("response_id", "c1"),
        ("input_tokens", "7"),
        ("output_tokens", "2"),
        ("cached_input_tokens", "4"),
        ("reasoning_tokens", "0"),
        ("cost_nanodollars", "-"),
        ("duration_ms", "1000"),
        ("first_byte_ms", "700"),
        ("first_token_ms", "0"),
        ("first_answer_ms", "0"),
    ];
    assert_eq!(expected.map(|(key, _)| key).as_slice(), all);
    let lines = effects(&config, "200", 0, UNARY);
    for (key, value) in expected.into_iter().skip(1) {
        assert!(lines.contains(&format!("state {key} {value}")), "{key}: {lines:?}");
    }
    let record = lines.iter().find_map(|line| line.strip_prefix("state record ")).unwrap();
    let record: serde_json::Value = serde_json::from_str(record).unwrap();
    assert_eq!((&record["total_tokens"], &record["streaming"]), (&serde_json::Value::Null, &false.into()));
    assert_eq!(record.as_object().unwrap().len(), 30);
}

#[test]
fn build_info_has_version_and_configuration() {
    let policy = Policy::parse(b"{}").unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected =
        format!("set llm_gauge_build_info.version={version}.config={}.prices=none 1", policy.fingerprint());
    assert_eq!(line(build_info(&policy, true)), expected);
    let priced = br#"{"prices":{"version":"made 1","date":"2026-11-23","rows":[]}}"#;
    let text = line(build_info(&Policy::parse(priced).unwrap(), true));
    assert!(text.ends_with(".prices=made 1 of 2026-11-23 1"), "{text}");
    assert_eq!(line(active_requests("openai", 1)), "add llm_active_requests.provider=openai 1");
}

/// Returns the priced effects with these rows for the requested and the answering model, in dollars per million
/// tokens.
fn priced(rows: &str) -> Vec<String> {
    let lines = effects(
        &format!(r#"{{"prices":{{"rows":[{rows}]}},"filter_state":["cost_nanodollars"]}}"#),
        "200",
        0,
        UNARY,
    );
    let priced_lines =
        lines.into_iter().filter(|line| line.contains("cost_nano") || line.contains("_unpriced_"));
    let cost = |line: String| match line.split_once(r#","cost_nanodollars":"#) {
        Some((_, rest)) => format!("json {}", rest.split(',').next().unwrap()),
        None => line,
    };
    priced_lines.map(cost).collect()
}

#[test]
fn cost_is_counted_by_token_class() {
    // 7 input tokens, 4 of them cached, and 2 output tokens.
    let answering = r#"{"provider":"openai","match":"gpt-4o-2024","input":"0.15","cached_input":"0.0755","output":"0.6"}"#;
    let requested = r#"{"provider":"openai","match":"gpt-4o","input":"100","output":"100"}"#;
    let labels = "provider=openai.model=gpt-4o";
    let expected = [
        format!("count llm_cost_nanodollars_total.{labels}.type=cached_input 302"),
        format!("count llm_cost_nanodollars_total.{labels}.type=input 450"),
        format!("count llm_cost_nanodollars_total.{labels}.type=output 1200"),
        "json 1952".to_owned(),
        "state cost_nanodollars 1952".to_owned(),
    ];
    assert_eq!(priced(&format!("{requested},{answering}")), expected);
    let expected = [
        format!("count llm_cost_nanodollars_total.{labels}.type=input 700000"),
        format!("count llm_cost_nanodollars_total.{labels}.type=output 200000"),
        "json 900000".to_owned(),
        "state cost_nanodollars 900000".to_owned(),
    ];
    assert_eq!(priced(requested), expected);
    // A free model costs 0, which is counted; a fraction of a nanodollar is carried over.
    let free = r#"{"provider":"*","match":"gpt-*","input":"0","output":"0.00025"}"#;
    assert_eq!(priced(free), ["json 1", "state cost_nanodollars 1"]);
}

#[test]
fn tokens_without_a_price_are_counted() {
    let labels = "provider=openai.model=gpt-4o";
    let unpriced = format!("count llm_unpriced_tokens_total.{labels} 9");
    assert_eq!(priced(""), [unpriced.as_str(), "state cost_nanodollars -"]);
    assert_eq!(
        priced(r#"{"provider":"house","match":"*","input":"1"}"#),
        [unpriced.as_str(), "state cost_nanodollars -"]
    );
    let half = r#"{"provider":"openai","match":"*","output":"1"}"#;
    let expected = [
        format!("count llm_cost_nanodollars_total.{labels}.type=output 2000"),
        format!("count llm_unpriced_tokens_total.{labels} 7"),
        "state cost_nanodollars -".to_owned(),
    ];
    assert_eq!(priced(half), expected);
    // Without a table no cost is configured; without usage there is nothing to price.
    let lines = |config: &str, body| effects(config, "200", 0, body).join("\n");
    for text in [lines("{}", UNARY), lines(r#"{"prices":{"rows":[]}}"#, &[(1, "{}")])] {
        assert!(
            !text.contains("_cost_") && !text.contains("_unpriced_") && !text.contains("cost_nano"),
            "{text}"
        );
    }
}

#[test]
fn the_renamed_model_is_the_last_one_whose_price_is_looked_up() {
    let config = r#"{"models":{"rename":[{"match":"gpt-4o","to":"house-model"}]},
        "prices":{"rows":[{"provider":"openai","match":"house-model","input":"1","output":"1"}]}}"#;
    let lines = effects(config, "200", 0, UNARY);
    let cost = "count llm_cost_nanodollars_total.provider=openai.model=house-model.type=input 7000";
    assert!(lines.iter().any(|line| line == cost), "{lines:?}");
}
