//! The conversion of good and bad messages.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as Sent, Status};
use serde_json::json;

use super::*;
use crate::store::{Evaluation, Span};

const NOW_NS: i64 = 1_764_316_800_000_000_000;
const DAY_NS: u64 = 86_400_000_000_000;

fn pair(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Any::StringValue(value.into()))
}

fn sent() -> Sent {
    Sent {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: "chat gpt-4o".into(),
        start_time_unix_nano: 1_764_316_700_000_000_000,
        end_time_unix_nano: 1_764_316_701_500_000_000,
        ..Sent::default()
    }
}

fn request(spans: Vec<Sent>) -> ExportTraceServiceRequest {
    let resource = Resource { attributes: vec![text("service.name", "gateway")], ..Resource::default() };
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let of_resource = ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![of_resource] }
}

fn read_spans(spans: Vec<Sent>) -> (Vec<Span>, RejectedItems) {
    let mut rejected = RejectedItems::default();
    let rows = spans::rows(&mut request(spans), &mut rejected, NOW_NS);
    (rows, rejected)
}

fn event(attributes: &[(&str, Any)]) -> LogRecord {
    LogRecord {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        event_name: "gen_ai.evaluation.result".into(),
        time_unix_nano: 1_764_316_702_000_000_000,
        attributes: attributes.iter().map(|(key, value)| pair(key, value.clone())).collect(),
        ..LogRecord::default()
    }
}

fn score(uid: &str) -> LogRecord {
    event(&[
        ("gen_ai.evaluation.name", Any::StringValue("faithfulness".into())),
        ("gen_ai.evaluation.score.value", Any::DoubleValue(4.0)),
        ("log.record.uid", Any::StringValue(uid.into())),
    ])
}

fn read_events(log_records: Vec<LogRecord>) -> (Vec<Evaluation>, RejectedItems) {
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }],
    };
    let mut rejected = RejectedItems::default();
    let rows = evaluations::rows(request, &mut rejected, NOW_NS);
    (rows, rejected)
}

/// Every attribute of the filter, in its column.
#[test]
fn a_span_of_ours_is_a_row() {
    let array = ArrayValue { values: vec![AnyValue { value: Some(Any::StringValue("stop".into())) }] };
    let attributes = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4o-2024"),
        text("gen_ai.response.model", "gpt-4o-2024-08-06"),
        pair("gen_ai.response.finish_reasons", Any::ArrayValue(array)),
        pair("gen_ai.usage.input_tokens", Any::IntValue(1000)),
        pair("gen_ai.usage.output_tokens", Any::IntValue(200)),
        pair("gen_ai.usage.cache_read.input_tokens", Any::IntValue(400)),
        pair("gen_ai.usage.reasoning.output_tokens", Any::IntValue(50)),
        text("gen_ai.input.messages", "[]"),
        text("input.value", "[]"),
        text("llm_gauge.model", "gpt-4o"),
        text("llm_gauge.status", "cancelled"),
        text("llm_gauge.error", "client_cancelled"),
        text("error.type", "client_cancelled"),
        text("llm_gauge.usage.source", "reported"),
        pair("llm_gauge.cost_nanodollars", Any::IntValue(4_000_000)),
        pair("llm_gauge.duration_ms", Any::IntValue(1499)),
        pair("llm_gauge.first_token_ms", Any::IntValue(300)),
        pair("llm_gauge.sampled", Any::BoolValue(true)),
    ];
    let (rows, rejected) = read_spans(vec![Sent { attributes, parent_span_id: vec![3; 8], ..sent() }]);
    let some = |text: &str| Some(text.to_owned());
    let expected = Span {
        trace_id: Id([1; 16]),
        span_id: Id([2; 8]),
        parent_span_id: Some(Id([3; 8])),
        name: "chat gpt-4o".into(),
        start_ns: 1_764_316_700_000_000_000,
        end_ns: 1_764_316_701_500_000_000,
        service: some("gateway"),
        provider: some("openai"),
        operation: some("chat"),
        model: some("gpt-4o"),
        request_model: some("gpt-4o-2024"),
        response_model: some("gpt-4o-2024-08-06"),
        status: some("cancelled"),
        error: some("client_cancelled"),
        input_tokens: Some(1000),
        output_tokens: Some(200),
        cached_input_tokens: Some(400),
        reasoning_tokens: Some(50),
        source: some("reported"),
        cost_nanodollars: Some(4_000_000),
        duration_ms: Some(1499),
        first_token_ms: Some(300),
        sampled: Some(true),
        input_text: some("[]"),
        output_text: None,
        attributes_json: r#"{"gen_ai.response.finish_reasons":["stop"]}"#.into(),
    };
    assert_eq!((rows, rejected.message().as_str()), (vec![expected], ""));
}

#[test]
fn a_span_of_another_sender_fills_the_columns_it_has() {
    let attributes = vec![
        text("llm.model_name", "claude"),
        pair("llm.token_count.prompt", Any::DoubleValue(7.0)),
        pair("llm.token_count.completion", Any::IntValue(-1)),
        text("gen_ai.usage.reasoning.output_tokens", "many"),
        text("error.type", "timeout"),
    ];
    let status = Some(Status { code: 2, ..Status::default() });
    let (rows, _) = read_spans(vec![Sent { attributes, status, ..sent() }]);
    let row = &rows[0];
    let texts = [&row.model, &row.request_model, &row.status, &row.error];
    assert_eq!(texts.map(|text| text.as_deref().unwrap()), ["claude", "claude", "error", "timeout"]);
    let counts = [row.input_tokens, row.output_tokens, row.reasoning_tokens, row.duration_ms];
    assert_eq!(counts, [Some(7), None, None, Some(1500)]);
    assert_eq!(row.attributes_json, "{}");
}

#[test]
fn bad_spans_are_rejected_with_the_reason_and_the_rest_is_kept() {
    let bad = [
        (Sent { trace_id: vec![1; 15], ..sent() }, "its trace id has 15 bytes, expected 16"),
        (Sent { trace_id: vec![], ..sent() }, "its trace id has 0 bytes, expected 16"),
        (Sent { trace_id: vec![0; 16], ..sent() }, "its trace id is all zero"),
        (Sent { span_id: vec![1; 16], ..sent() }, "its span id has 16 bytes, expected 8"),
        (Sent { span_id: vec![], ..sent() }, "its span id has 0 bytes, expected 8"),
        (Sent { parent_span_id: vec![1], ..sent() }, "its parent's span id has 1 bytes, expected 8"),
        (Sent { start_time_unix_nano: 0, ..sent() }, "it has no start"),
        (Sent { start_time_unix_nano: u64::MAX, ..sent() }, "its time is after the year 2262"),
        (Sent { end_time_unix_nano: u64::MAX, ..sent() }, "it ends after the year 2262"),
    ];
    for (bad, reason) in &bad {
        let (rows, rejected) = read_spans(vec![bad.clone(), sent()]);
        assert_eq!((rows.len(), rejected.count), (1, 1));
        assert_eq!(rejected.message(), format!("span \"chat gpt-4o\": {reason}"));
    }
    let (rows, rejected) = read_spans(bad.map(|(bad, _)| bad).to_vec());
    assert_eq!((rows.len(), rejected.count), (0, 9));
    assert!(rejected.message().ends_with("; and 6 more"), "{}", rejected.message());
}

#[test]
fn a_time_ahead_of_the_clock_is_kept_with_a_warning() {
    let start = |ns: u64| Sent { start_time_unix_nano: ns, ..sent() };
    let now = u64::try_from(NOW_NS).unwrap();
    let (rows, rejected) = read_spans(vec![start(now + DAY_NS), start(now + DAY_NS + 1)]);
    assert_eq!((rows.len(), rejected.count), (2, 0));
    assert_eq!(rejected.message(), "1 stored, but more than a day ahead of the collector's clock");
}

#[test]
fn ten_thousand_attributes_are_kept() {
    let attributes = (0..10_000).map(|number| pair(&format!("a{number}"), Any::IntValue(number))).collect();
    let (rows, _) = read_spans(vec![Sent { attributes, ..sent() }]);
    let kept: serde_json::Map<_, _> = serde_json::from_str(&rows[0].attributes_json).unwrap();
    assert_eq!((kept.len(), &kept["a9999"]), (10_000, &json!(9999)));
}

#[test]
fn an_event_is_a_row() {
    let said = |text: &str| Any::StringValue(text.into());
    let record = event(&[
        ("event.name", said("gen_ai.evaluation.result")),
        ("gen_ai.evaluation.name", said("user_feedback")),
        ("gen_ai.evaluation.score.value", Any::IntValue(0)),
        ("gen_ai.evaluation.score.label", said("down")),
        ("gen_ai.evaluation.explanation", said("It invented that.")),
        ("llm_gauge.request_id", said("r-1")),
        ("llm_gauge.model", said("gpt-4o")),
        ("llm_gauge.evaluation.source", said("user")),
        ("log.record.uid", said("u-1")),
    ]);
    // Stores that only know attributes get the name there.
    let unnamed = LogRecord { event_name: String::new(), ..record.clone() };
    let some = |text: &str| Some(text.to_owned());
    let expected = Evaluation {
        uid: "u-1".into(),
        trace_id: Id([1; 16]),
        span_id: Id([2; 8]),
        request_id: some("r-1"),
        model: some("gpt-4o"),
        name: "user_feedback".into(),
        source: some("user"),
        judge_model: None,
        value: Some(0.0),
        label: some("down"),
        explanation: some("It invented that."),
        time_ns: 1_764_316_702_000_000_000,
    };
    let (rows, rejected) = read_events(vec![record, unnamed]);
    assert_eq!((rows, rejected.message().as_str()), (vec![expected.clone(), expected], ""));
}

#[test]
fn bad_events_are_rejected_with_the_reason_and_the_rest_is_kept() {
    let said = |text: &str| Any::StringValue(text.into());
    let other = LogRecord { event_name: "boot".into(), ..score("u") };
    let bad = [
        (other, "event \"boot\": expected gen_ai.evaluation.result"),
        (
            LogRecord { event_name: String::new(), ..score("u") },
            "event \"\": expected gen_ai.evaluation.result",
        ),
        (LogRecord { trace_id: vec![], ..score("u") }, "event: its trace id has 0 bytes, expected 16"),
        (LogRecord { span_id: vec![0; 8], ..score("u") }, "event: its span id is all zero"),
        (LogRecord { time_unix_nano: u64::MAX, ..score("u") }, "event: its time is after the year 2262"),
        (LogRecord { time_unix_nano: 0, ..score("u") }, "event: it has no time"),
        (event(&[]), "event: it has no gen_ai.evaluation.name"),
        (
            event(&[
                ("gen_ai.evaluation.name", said("x")),
                ("gen_ai.evaluation.score.value", Any::DoubleValue(f64::NAN)),
            ]),
            "event \"x\": it has neither a value nor a label",
        ),
        (score(&"u".repeat(257)), "event \"faithfulness\": its uid has 257 bytes"),
    ];
    for (bad, reason) in bad {
        let (rows, rejected) = read_events(vec![bad, score("good")]);
        assert_eq!((rows.len(), rejected.message().as_str()), (1, reason));
    }
}

#[test]
fn an_event_without_a_uid_gets_the_same_one_at_every_retry() {
    let uid = |record: LogRecord| read_events(vec![record]).0.remove(0).uid;
    let first = uid(score(""));
    assert_eq!(first.len(), 32);
    assert_eq!(uid(score("")), first);
    assert_ne!(uid(LogRecord { span_id: vec![3; 8], ..score("") }), first);
    assert_ne!(uid(LogRecord { time_unix_nano: 1, ..score("") }), first);
    let observed = LogRecord { time_unix_nano: 0, observed_time_unix_nano: 1, ..score("") };
    assert_eq!(read_events(vec![observed]).0[0].time_ns, 1);
}

#[test]
fn the_forwarded_request_lacks_only_the_rejected_spans() {
    let good = request(vec![sent()]).encode_to_vec();
    let read_on =
        |encoding, body: Vec<u8>| read(Signal::Traces, encoding, body.into(), true).unwrap().batch.request;
    // A field of a later version of OTLP: decoding would lose it.
    let later = [good.as_slice(), &[0xFA, 0x07, 1, b'x']].concat();
    assert_eq!(read_on(Encoding::Protobuf, later.clone()), later);

    let mixed = request(vec![sent(), Sent { trace_id: vec![1], ..sent() }]);
    assert_eq!(read_on(Encoding::Protobuf, mixed.encode_to_vec()), good);
    assert_eq!(read_on(Encoding::Json, serde_json::to_vec(&mixed).unwrap()), good);
    let unasked = read(Signal::Traces, Encoding::Protobuf, good.into(), false).unwrap();
    assert_eq!(unasked.batch.request, b"");
}

#[test]
fn garbage_is_refused() {
    for signal in [Signal::Traces, Signal::Logs] {
        for (encoding, body) in [
            (Encoding::Protobuf, &b"\xff\xff\xff\xff"[..]),
            (Encoding::Protobuf, b"\x0a\x7f\x00"),
            (Encoding::Json, b"{"),
            (Encoding::Json, b"[]"),
            (Encoding::Json, b""),
            (Encoding::Json, br#"{"resourceSpans": 1, "resourceLogs": 1}"#),
            (Encoding::Json, b"{\"resourceSpans\": \"\xff\", \"resourceLogs\": \"\xff\"}"),
        ] {
            let said = read(signal, encoding, Bytes::copy_from_slice(body), true).unwrap_err();
            assert!(said.starts_with("the body is not OTLP in "), "{said}");
        }
    }
    // Invalid UTF-8 in a good message: all of it is refused, because protobuf strings have to be UTF-8.
    let mut bytes = request(vec![sent()]).encode_to_vec();
    let place = bytes.windows(4).position(|window| window == b"chat").unwrap();
    bytes[place] = 0xFF;
    let said = read(Signal::Traces, Encoding::Protobuf, bytes.into(), true).unwrap_err();
    assert!(said.contains("invalid string value"), "{said}");
}

#[test]
fn nesting_without_end_is_refused() {
    let deep = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"attributes":[{{"key":"a","value":{}{}}}]}}]}}]}}]}}"#,
        r#"{"arrayValue":{"values":["#.repeat(5000),
        "]}}".repeat(5000)
    );
    assert!(read(Signal::Traces, Encoding::Json, deep.into(), false).is_err());
    // Protobuf: each level is a message with a length, the innermost first.
    let mut bytes = Vec::new();
    for level in 0..5000 {
        let mut outer = vec![if level % 2 == 0 { 0x0A } else { 0x2A }];
        prost::encoding::encode_varint(bytes.len() as u64, &mut outer);
        outer.append(&mut bytes);
        bytes = outer;
    }
    for tag in [0x12, 0x4A, 0x12, 0x12, 0x0A] {
        let mut outer = vec![tag];
        prost::encoding::encode_varint(bytes.len() as u64, &mut outer);
        outer.append(&mut bytes);
        bytes = outer;
    }
    let said = read(Signal::Traces, Encoding::Protobuf, bytes.into(), false).unwrap_err();
    assert!(said.contains("recursion limit"), "{said}");
}
