use std::rc::Rc;

use super::*;
use crate::config::{Place, Policy};
use crate::effects::{CalloutJob, exchange_effects};
use crate::exchange::End;
use crate::exchange::Exchange;
use crate::head::Headers;
use crate::series::Series;

const MS: u64 = 1_000_000;

struct Case<'a> {
    policy: &'a str,
    request: &'a str,
    code: &'static str,
    body: &'a str,
    flags: u64,
}

const STREAM: &str = concat!(
    "data: {\"id\":\"c1\",\"model\":\"gpt-4o-2024\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Write to jan@exam\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ple.com\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5,\"total_tokens\":14,\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{\"reasoning_tokens\":1}}}\n\n",
    "data: [DONE]\n\n"
);

const REQUEST: &str = r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"system","content":"Be \"brief\""},{"role":"user","content":"Who? 4111 1111 1111 1111"}]}"#;

const CHAT: Case<'_> = Case {
    policy: r#""telemetry":{"cluster":"otel"}"#,
    request: REQUEST,
    code: "200",
    body: STREAM,
    flags: 0,
};

fn span(case: &Case<'_>) -> Span {
    let policy = Rc::new(Policy::parse(format!("{{{}}}", case.policy).as_bytes()).unwrap());
    let headers = |fields: &[(&'static str, &'static str)]| {
        Headers::new(
            fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect::<Vec<_>>(),
        )
    };
    let head = [
        (":method", "POST"),
        (":authority", "api.openai.com:8443"),
        (":path", "/v1/chat/completions"),
        ("x-tenant", "acme"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    let mut exchange = Exchange::begin(&policy, &headers(&head), &Place::default(), [7; 24], 0).unwrap();
    exchange.request_body(case.request.as_bytes());
    exchange.request_end();
    if !case.code.is_empty() {
        exchange.response_head(&headers(&[(":status", case.code), ("content-type", "text/event-stream")]));
    }
    for piece in case.body.split_inclusive("\n\n") {
        exchange.response_body(piece.as_bytes(), 340 * MS);
    }
    if case.flags == 0 {
        exchange.response_end();
    }
    let end = End { code: case.code.parse().ok(), flags: case.flags, details: "via_upstream".to_owned() };
    let record = exchange.finish(&end, 1234 * MS);
    let effects = exchange_effects(&record, &policy, &mut Series::new(&policy));
    let spans: Vec<_> = effects
        .jobs
        .into_iter()
        .filter_map(|job| match job {
            CalloutJob::Span(span) => Some(*span),
            _ => None,
        })
        .collect();
    let [span] = spans.as_slice() else { panic!("{} spans", spans.len()) };
    let mut span = span.clone();
    // As the exporter does it in the root context.
    if let Some(mut content) = span.content.take() {
        content.texts = content.texts.map(|text| policy.redactor().apply(&text));
        add_content(&mut span, content, true, policy.telemetry().unwrap());
    }
    span
}

/// Returns the attributes, one on each line.
fn lines(span: &Span) -> Vec<String> {
    span.attributes.iter().map(|(name, value)| format!("{name} {value:?}")).collect()
}

#[track_caller]
fn has(span: &Span, name: &str, value: &str) {
    let found = span.attributes.iter().find(|(known, _)| known == name);
    let found = found.map(|(_, value)| match value {
        Value::Text(text) => text.clone(),
        other => format!("{other:?}"),
    });
    assert_eq!(found.as_deref(), Some(value).filter(|value| *value != "-"), "{name}");
}

#[test]
fn span_of_a_stream() {
    let span = span(&Case {
        policy: r#""telemetry":{"cluster":"otel"},"labels":[{"name":"tenant","header":"x-tenant"}],"judge":{"cluster":"j","model":"g","sample_rate":0},
            "prices":{"rows":[{"provider":"openai","match":"gpt-4o","input":"2.5","cached_input":"1.25","output":"10"}]}"#,
        ..CHAT
    });
    assert_eq!(span.trace.map(|byte| format!("{byte:02x}")).concat(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(span.id, [7; 8]);
    assert_eq!(span.parent, Some([0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]));
    assert_eq!((span.name.as_str(), span.duration_ms, span.failure), ("chat gpt-4o", 1234, None));
    assert_eq!(span.events, [("gen_ai.first_token", 340)]);
    let expected = [
        r#"server.address Text("api.openai.com")"#,
        r#"server.port Int(8443)"#,
        r#"http.response.status_code Int(200)"#,
        r#"gen_ai.operation.name Text("chat")"#,
        r#"gen_ai.provider.name Text("openai")"#,
        r#"gen_ai.request.model Text("gpt-4o")"#,
        r#"gen_ai.request.stream Bool(true)"#,
        r#"gen_ai.response.time_to_first_chunk Double(0.34)"#,
        r#"gen_ai.response.model Text("gpt-4o-2024")"#,
        r#"gen_ai.response.id Text("c1")"#,
        r#"gen_ai.response.finish_reasons Texts(["stop"])"#,
        r#"gen_ai.usage.input_tokens Int(9)"#,
        r#"gen_ai.usage.output_tokens Int(5)"#,
        r#"gen_ai.usage.cache_read.input_tokens Int(4)"#,
        r#"gen_ai.usage.reasoning.output_tokens Int(1)"#,
        r#"llm_gauge.request_id Text("0af7651916cd43dd8448eb211c80319c-0707070707070707-01-00000000-6770742d346f")"#,
        r#"llm_gauge.model Text("gpt-4o")"#,
        r#"llm_gauge.status Text("success")"#,
        r#"llm_gauge.error Text("none")"#,
        r#"llm_gauge.usage.source Text("reported")"#,
        r#"llm_gauge.cost_nanodollars Int(67500)"#,
        r#"llm_gauge.duration_ms Int(1234)"#,
        r#"llm_gauge.first_byte_ms Int(340)"#,
        r#"llm_gauge.first_token_ms Int(340)"#,
        r#"llm_gauge.first_answer_ms Int(340)"#,
        r#"llm_gauge.per_output_token_us Int(0)"#,
        r#"llm_gauge.sampled Bool(false)"#,
        r#"llm_gauge.label.tenant Text("acme")"#,
    ];
    assert_eq!(lines(&span), expected);
}

#[test]
fn span_with_openinference_attributes() {
    let span = span(&Case {
        policy: r#""telemetry":{"cluster":"o","attributes":"openinference","root_spans":"on"}"#,
        ..CHAT
    });
    assert_eq!(span.parent, None);
    let lines = lines(&span);
    let lines: Vec<_> = lines.iter().filter(|line| !line.starts_with("llm_gauge.")).collect();
    let expected = [
        r#"server.address Text("api.openai.com")"#,
        r#"server.port Int(8443)"#,
        r#"http.response.status_code Int(200)"#,
        r#"openinference.span.kind Text("LLM")"#,
        r#"llm.system Text("openai")"#,
        r#"llm.provider Text("openai")"#,
        r#"llm.model_name Text("gpt-4o-2024")"#,
        r#"llm.token_count.prompt Int(9)"#,
        r#"llm.token_count.completion Int(5)"#,
        r#"llm.token_count.total Int(14)"#,
        r#"llm.token_count.prompt_details.cache_read Int(4)"#,
        r#"llm.token_count.completion_details.reasoning Int(1)"#,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn span_of_a_failed_exchange() {
    let body = r#"{"error":{"type":"rate_limit_error","message":"x"}}"#;
    let failed = span(&Case { code: "429", body, ..CHAT });
    assert_eq!(failed.failure, Some("rate_limited"));
    has(&failed, "error.type", "rate_limited");
    has(&failed, "http.response.status_code", "Int(429)");
    has(&failed, "llm_gauge.status", "error");
    // A client that disconnects is not a failure of the exchange.
    let cancelled = span(&Case { flags: 1 << 14, body: STREAM.get(..100).unwrap(), ..CHAT });
    assert_eq!((cancelled.failure, cancelled.events.len()), (None, 0));
    has(&cancelled, "error.type", "client_cancelled");
    has(&cancelled, "llm_gauge.status", "cancelled");
    has(&cancelled, "llm_gauge.usage.source", "estimated");
    let unanswered = span(&Case { code: "", body: "", flags: 1 << 14, ..CHAT });
    has(&unanswered, "http.response.status_code", "-");
    let no_model = span(&Case { request: "{}", ..CHAT });
    assert_eq!(no_model.name, "chat");
    has(&no_model, "gen_ai.request.model", "-");
    has(&no_model, "llm_gauge.model", "unknown");
}

#[test]
fn configured_content_is_exported_redacted() {
    let policy =
        r#""telemetry":{"cluster":"o","attributes":"both","content":"all"},"redact":["email","card"]"#;
    let all = span(&Case { policy, ..CHAT });
    has(
        &all,
        "gen_ai.input.messages",
        r#"[{"role":"system","parts":[{"type":"text","content":"Be \"brief\""}]},{"role":"user","parts":[{"type":"text","content":"Who? [card]"}]}]"#,
    );
    has(
        &all,
        "gen_ai.output.messages",
        r#"[{"role":"assistant","parts":[{"type":"text","content":"Write to [email]"}],"finish_reason":"stop"}]"#,
    );
    has(&all, "input.value", "Who? [card]");
    has(&all, "output.value", "Write to [email]");
    has(&all, CONTENT_TOO_LARGE, "-");
    // The answer as far as it arrived.
    let cut =
        span(&Case { policy, flags: 1 << 14, body: STREAM.split_inclusive("\n\n").next().unwrap(), ..CHAT });
    has(&cut, "output.value", "Write to jan@exam");
    has(
        &cut,
        "gen_ai.output.messages",
        r#"[{"role":"assistant","parts":[{"type":"text","content":"Write to jan@exam"}],"finish_reason":"unknown"}]"#,
    );
    let failed = span(&Case { policy, code: "500", body: "{}", ..CHAT });
    has(&failed, "input.value", "Who? [card]");
    has(&failed, "output.value", "-");
    // No content by default.
    for name in CONTENT {
        has(&span(&CHAT), name, "-");
    }
}

#[test]
fn content_of_sampled_exchanges_is_exported() {
    for (rate, expected) in [("1", "Write to jan@example.com"), ("0", "-")] {
        let policy = format!(
            r#""telemetry":{{"cluster":"o","attributes":"openinference","content":"sampled"}},"judge":{{"cluster":"j","model":"g","sample_rate":{rate}}}"#
        );
        has(&span(&Case { policy: &policy, ..CHAT }), "output.value", expected);
    }
}

#[test]
fn content_over_the_bound_is_left_out_and_marked() {
    let policy = r#""telemetry":{"cluster":"o","attributes":"openinference","content":"all"}"#;
    let request = REQUEST.replace("Who?", &"Who? ".repeat(5000));
    let mut large = span(&Case { policy, request: &request, ..CHAT });
    has(&large, CONTENT_TOO_LARGE, "Bool(true)");
    has(&large, "input.value", "-");
    has(&large, "output.value", "Write to jan@example.com");
    assert!(remove_content(&mut large));
    has(&large, CONTENT_TOO_LARGE, "Bool(true)");
    has(&large, "output.value", "-");
    assert!(!remove_content(&mut span(&CHAT)), "there is none");
}

#[test]
fn texts_of_clients_are_truncated() {
    let long = "é".repeat(600);
    let span = span(&Case { request: &format!(r#"{{"model":"{long}"}}"#), ..CHAT });
    assert!(
        span.attributes
            .iter()
            .all(|(_, value)| !matches!(value, Value::Text(text) if text.len() > ATTRIBUTE_BYTES_MAX))
    );
    assert!(truncate(&long).len() <= ATTRIBUTE_BYTES_MAX && truncate(&long).len() >= ATTRIBUTE_BYTES_MAX - 1);
}

#[test]
fn server_splits_host_and_port() {
    let cases = [
        ("api.example", ("api.example", None)),
        ("api.example:80", ("api.example", Some(80))),
        ("[::1]:443", ("::1", Some(443))),
        ("[::1]", ("::1", None)),
        ("::1", ("::1", None)),
        ("a:b", ("a:b", None)),
        ("a:99999", ("a:99999", None)),
        ("[", ("[", None)),
        ("", ("", None)),
    ];
    for (authority, expected) in cases {
        assert_eq!(server(authority), expected, "{authority}");
    }
}
