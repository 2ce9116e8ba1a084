//! OTLP messages as the filter sends them, built with the official definitions.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

/// The service of all spans.
pub const SERVICE: &str = "gateway";

/// One exchange, by its number.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub number: u64,
    pub start_ns: u64,
    pub duration_ms: u64,
    pub model: &'static str,
    pub is_error: bool,
    pub input_tokens: u64,
    pub cached_input_tokens: u64,
    pub output_tokens: u64,
    pub cost_nanodollars: u64,
}

/// One score of an exchange, or a user's rating.
#[derive(Clone, Debug)]
pub struct Event {
    pub number: u64,
    pub time_ns: u64,
    pub name: &'static str,
    pub value: f64,
    pub label: String,
    pub explanation: Option<&'static str>,
    pub is_user: bool,
}

impl Exchange {
    pub fn new(number: u64) -> Self {
        Self {
            number,
            start_ns: 1_764_316_800_000_000_000 + number,
            duration_ms: 1500,
            model: "gpt-4o",
            is_error: false,
            input_tokens: 1000,
            cached_input_tokens: 400,
            output_tokens: 200,
            cost_nanodollars: 1_000_000 + number,
        }
    }
}

impl Event {
    pub fn score(number: u64, name: &'static str, score: u8) -> Self {
        let value = f64::from(score);
        Self {
            number,
            time_ns: 1_764_316_803_000_000_000,
            name,
            value,
            label: score.to_string(),
            explanation: None,
            is_user: false,
        }
    }

    pub fn hallucination(number: u64, is_hallucination: bool) -> Self {
        let label = if is_hallucination { "yes" } else { "no" }.to_owned();
        Self { name: "hallucination", label, ..Self::score(number, "", u8::from(is_hallucination)) }
    }

    pub fn thumb(number: u64, is_up: bool, comment: &'static str) -> Self {
        let label = if is_up { "up" } else { "down" }.to_owned();
        let score = Self::score(number, "", u8::from(is_up));
        Self { name: "user_feedback", label, explanation: Some(comment), is_user: true, ..score }
    }

    /// Returns the uid, which is the same at every retry.
    pub fn uid(&self) -> String {
        format!("{}-{}", self.number, self.name)
    }
}

pub fn trace_id(number: u64) -> Vec<u8> {
    [0xA5A5_A5A5_A5A5_A5A5, number].into_iter().flat_map(u64::to_be_bytes).collect()
}

pub fn span_id(number: u64) -> Vec<u8> {
    number.to_be_bytes().into()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn spans(exchanges: &[Exchange]) -> ExportTraceServiceRequest {
    let spans = exchanges.iter().map(span).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans, ..ScopeSpans::default() }];
    let resource = Some(resource());
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource, scope_spans, ..Default::default() }],
    }
}

pub fn events(events: &[Event]) -> ExportLogsServiceRequest {
    let log_records = events.iter().map(event).collect();
    let scope_logs = vec![ScopeLogs { scope: Some(scope()), log_records, ..ScopeLogs::default() }];
    let resource = Some(resource());
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs { resource, scope_logs, ..Default::default() }],
    }
}

fn span(exchange: &Exchange) -> Span {
    let status = if exchange.is_error { "error" } else { "success" };
    let int = |number: u64| Any::IntValue(number.try_into().unwrap());
    let attributes = [
        ("gen_ai.operation.name", text("chat")),
        ("gen_ai.provider.name", text("openai")),
        ("gen_ai.request.model", text(exchange.model)),
        ("gen_ai.response.model", text(exchange.model)),
        ("gen_ai.usage.input_tokens", int(exchange.input_tokens)),
        ("gen_ai.usage.output_tokens", int(exchange.output_tokens)),
        ("gen_ai.usage.cache_read.input_tokens", int(exchange.cached_input_tokens)),
        ("gen_ai.input.messages", text(r#"[{"role":"user","parts":[{"type":"text","content":"Why?"}]}]"#)),
        (
            "gen_ai.output.messages",
            text(r#"[{"role":"assistant","parts":[{"type":"text","content":"So."}]}]"#),
        ),
        ("llm_gauge.model", text(exchange.model)),
        ("llm_gauge.status", text(status)),
        ("llm_gauge.error", text(if exchange.is_error { "server_error" } else { "none" })),
        ("llm_gauge.usage.source", text("reported")),
        ("llm_gauge.cost_nanodollars", int(exchange.cost_nanodollars)),
        ("llm_gauge.duration_ms", int(exchange.duration_ms)),
        ("llm_gauge.sampled", Any::BoolValue(true)),
    ];
    Span {
        trace_id: trace_id(exchange.number),
        span_id: span_id(exchange.number),
        name: format!("chat {}", exchange.model),
        kind: 3,
        start_time_unix_nano: exchange.start_ns,
        end_time_unix_nano: exchange.start_ns + exchange.duration_ms * 1_000_000,
        attributes: attributes.map(pair).into(),
        ..Span::default()
    }
}

fn event(event: &Event) -> LogRecord {
    let (source, judge) = if event.is_user { ("user", None) } else { ("judge", Some("gpt-4o-mini")) };
    let mut attributes = vec![
        ("event.name", text("gen_ai.evaluation.result")),
        ("gen_ai.evaluation.name", text(event.name)),
        ("gen_ai.evaluation.score.value", Any::DoubleValue(event.value)),
        ("gen_ai.evaluation.score.label", text(&event.label)),
        ("llm_gauge.model", text("gpt-4o")),
        ("llm_gauge.evaluation.source", text(source)),
        ("log.record.uid", text(&event.uid())),
    ];
    attributes.extend(judge.map(|model| ("llm_gauge.judge.model", text(model))));
    attributes.extend(event.explanation.map(|words| ("gen_ai.evaluation.explanation", text(words))));
    LogRecord {
        trace_id: trace_id(event.number),
        span_id: span_id(event.number),
        event_name: "gen_ai.evaluation.result".into(),
        time_unix_nano: event.time_ns,
        severity_number: 9,
        attributes: attributes.into_iter().map(pair).collect(),
        ..LogRecord::default()
    }
}

fn resource() -> Resource {
    let attributes = [("service.name", text(SERVICE)), ("openinference.project.name", text(SERVICE))];
    Resource { attributes: attributes.map(pair).into(), ..Resource::default() }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope { name: "llm-gauge".into(), version: "0.1.0".into(), ..Default::default() }
}

fn text(text: &str) -> Any {
    Any::StringValue(text.to_owned())
}

fn pair((key, value): (&str, Any)) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
