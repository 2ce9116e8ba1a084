//! Converts a record to a span. Each exchange has one, with attributes of OpenTelemetry's conventions for generative
//! AI, of OpenInference's, or of both, and with own attributes for values that have no name there.

use std::borrow::Cow;

use super::TelemetryPlan;
use super::otlp::{Attribute, RawContent, Span, Value};
use crate::json::push_text;
use crate::limits::ATTRIBUTE_BYTES_MAX;
use crate::record::{ErrorClass, Record, SOURCE_ESTIMATED, Status, Word};
use crate::usage::Count;

/// The facts of an exchange that are not in its record.
pub struct SpanContext<'a> {
    /// The metric label of the exchange's model.
    pub model: &'a str,
    /// The extra labels, with their metric label values.
    pub labels: Vec<(&'a str, &'a str)>,
    /// The cost in nanodollars. `None` if a token has no price.
    pub cost_nanodollars: Option<u64>,
    /// Whether the exchange is judged. `None` if no judge is configured.
    pub is_sampled: Option<bool>,
}

/// Returns the span of an exchange. The exporter adds its content, once that is redacted.
pub fn exchange_span(record: &Record, context: &SpanContext<'_>, plan: &TelemetryPlan) -> Span {
    let ids = record.ids;
    let mut attributes = Attributes(Vec::with_capacity(48));
    attributes.protocol(record);
    if plan.has_gen_ai {
        attributes.gen_ai(record);
    }
    if plan.has_openinference {
        attributes.openinference(record);
    }
    attributes.llm_gauge(record, context);
    let content = record.content.as_ref().map(|content| RawContent {
        texts: [&content.question, &content.context, &content.answer]
            .map(|text| text.clone().unwrap_or_default()),
        finish: record.answer.finish_reasons.first().map_or_else(|| "unknown".to_owned(), word_text),
        is_too_large: content.is_too_large,
    });
    Span {
        content,
        trace: ids.trace,
        id: ids.span,
        parent: ids.parent.filter(|_| !plan.has_root_spans),
        name: name(record),
        duration_ms: record.times.duration_ms,
        attributes: attributes.0,
        events: record
            .times
            .first_token_ms
            .map(|after_ms| ("gen_ai.first_token", after_ms))
            .into_iter()
            .collect(),
        failure: (record.status == Status::Error).then(|| record.error.name()),
    }
}

/// The attributes with content. A span that is too large is sent without them.
const CONTENT: &[&str] = &["gen_ai.input.messages", "gen_ai.output.messages", "input.value", "output.value"];

/// The attribute that says that content was over a bound.
const CONTENT_TOO_LARGE: &str = "llm_gauge.content_too_large";

/// Removes the content from a span that is too large. Returns whether there was any.
pub(super) fn remove_content(span: &mut Span) -> bool {
    let before = span.attributes.len();
    span.attributes.retain(|(name, _)| !CONTENT.contains(&name.as_ref()) && name != CONTENT_TOO_LARGE);
    let had_content = span.attributes.len() < before;
    if had_content {
        span.attributes.push((Cow::Borrowed(CONTENT_TOO_LARGE), Value::Bool(true)));
    }
    had_content
}

fn name(record: &Record) -> String {
    match &record.request_model {
        Some(model) => [record.operation, " ", truncate(model)].concat(),
        None => record.operation.to_owned(),
    }
}

/// Truncates a text that a client or provider chose to the bound of attributes.
fn truncate(text: &str) -> &str {
    text.get(..text.floor_char_boundary(ATTRIBUTE_BYTES_MAX)).unwrap_or(text)
}

/// Returns milliseconds in seconds.
#[expect(clippy::cast_precision_loss, reason = "exact for longer than any exchange lasts")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

struct Attributes(Vec<Attribute>);

/// The methods are not inlined, since each of the dozens of calls would be a copy.
impl Attributes {
    #[inline(never)]
    fn add(&mut self, name: &'static str, value: Value) {
        self.0.push((Cow::Borrowed(name), value));
    }

    #[inline(never)]
    fn text(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.add(name, Value::Text(truncate(text).to_owned()));
        }
    }

    #[inline(never)]
    fn int(&mut self, name: &'static str, number: Option<u64>) {
        if let Some(number) = number {
            self.add(name, Value::Int(number));
        }
    }

    fn protocol(&mut self, record: &Record) {
        if let Some((address, port)) = record.authority.as_deref().map(server) {
            self.text("server.address", Some(address));
            self.int("server.port", port);
        }
        self.int("http.response.status_code", record.http_status.map(u64::from));
        if record.error != ErrorClass::None {
            self.text("error.type", Some(record.error.name()));
        }
    }

    fn gen_ai(&mut self, record: &Record) {
        let answer = &record.answer;
        let (input, output) = record.tokens();
        self.text("gen_ai.operation.name", Some(record.operation));
        self.text("gen_ai.provider.name", Some(&record.provider));
        self.text("gen_ai.request.model", record.request_model.as_deref());
        if answer.streaming {
            self.add("gen_ai.request.stream", Value::Bool(true));
            if let Some(ms) = record.times.first_byte_ms {
                self.add("gen_ai.response.time_to_first_chunk", Value::Double(seconds(ms)));
            }
        }
        self.text("gen_ai.response.model", answer.model.as_deref());
        self.text("gen_ai.response.id", answer.id.as_deref());
        if !answer.finish_reasons.is_empty() {
            let reasons = answer.finish_reasons.iter().map(word_text).collect();
            self.add("gen_ai.response.finish_reasons", Value::Texts(reasons));
        }
        self.int("gen_ai.usage.input_tokens", input);
        self.int("gen_ai.usage.output_tokens", output);
        let count = |count| answer.usage.get(count);
        self.int("gen_ai.usage.cache_read.input_tokens", count(Count::CacheRead));
        self.int("gen_ai.usage.cache_write.input_tokens", count(Count::CacheWrite));
        self.int("gen_ai.usage.reasoning.output_tokens", count(Count::Reasoning));
    }

    fn openinference(&mut self, record: &Record) {
        let answer = &record.answer;
        let kind = match record.operation {
            "embeddings" => "EMBEDDING",
            "rerank" => "RERANKER",
            _ => "LLM",
        };
        let (input, output) = record.tokens();
        let sum = || Some(input?.saturating_add(output.unwrap_or(0)));
        let count = |count| answer.usage.get(count);
        self.text("openinference.span.kind", Some(kind));
        self.text("llm.system", Some(&record.provider));
        self.text("llm.provider", Some(&record.provider));
        self.text("llm.model_name", answer.model.as_deref().or(record.request_model.as_deref()));
        self.int("llm.token_count.prompt", input);
        self.int("llm.token_count.completion", output);
        self.int("llm.token_count.total", count(Count::Total).or_else(sum));
        self.int("llm.token_count.prompt_details.cache_read", count(Count::CacheRead));
        self.int("llm.token_count.prompt_details.cache_write", count(Count::CacheWrite));
        self.int("llm.token_count.completion_details.reasoning", count(Count::Reasoning));
    }

    fn llm_gauge(&mut self, record: &Record, context: &SpanContext<'_>) {
        let times = &record.times;
        let is_estimated = record.estimated_tokens() != (None, None);
        self.text("llm_gauge.request_id", Some(&record.request_id));
        self.text("llm_gauge.model", Some(context.model));
        self.text("llm_gauge.status", Some(record.status.name()));
        self.text("llm_gauge.error", Some(record.error.name()));
        let source = if is_estimated { Some(SOURCE_ESTIMATED) } else { record.source() };
        self.text("llm_gauge.usage.source", source);
        self.int("llm_gauge.cost_nanodollars", context.cost_nanodollars);
        self.int("llm_gauge.duration_ms", Some(times.duration_ms));
        self.int("llm_gauge.first_byte_ms", times.first_byte_ms);
        self.int("llm_gauge.first_token_ms", times.first_token_ms);
        self.int("llm_gauge.first_answer_ms", times.first_answer_ms);
        self.int("llm_gauge.per_output_token_us", times.per_output_token_us);
        if let Some(is_sampled) = context.is_sampled {
            self.add("llm_gauge.sampled", Value::Bool(is_sampled));
        }
        for (name, value) in &context.labels {
            let name = Cow::Owned(["llm_gauge.label.", name].concat());
            self.0.push((name, Value::Text((*value).to_owned())));
        }
    }
}

/// The attribute that says that content was left out, since its redaction would have taken too long.
const REDACTION_OVER_BUDGET: &str = "llm_gauge.redaction_over_budget";

/// Adds content to a span, or says that its redaction would have taken too long.
pub(super) fn add_content(span: &mut Span, content: RawContent, redacted: bool, plan: &TelemetryPlan) {
    let mut attributes = Attributes(core::mem::take(&mut span.attributes));
    let RawContent { texts, finish, is_too_large } = content;
    if redacted {
        attributes.content(texts, &finish, plan);
    } else {
        attributes.add(REDACTION_OVER_BUDGET, Value::Bool(true));
    }
    if is_too_large {
        attributes.add(CONTENT_TOO_LARGE, Value::Bool(true));
    }
    span.attributes = attributes.0;
}

impl Attributes {
    fn content(&mut self, texts: [String; 3], finish: &str, plan: &TelemetryPlan) {
        let [question, context, answer] = texts.map(|text| Some(text).filter(|text| !text.is_empty()));
        if plan.has_gen_ai {
            let messages = [("system", context), ("user", question.clone())];
            let messages = messages.iter().filter_map(|(role, text)| Some((*role, text.as_deref()?)));
            let messages: Vec<_> = messages.collect();
            if !messages.is_empty() {
                self.add("gen_ai.input.messages", Value::Text(messages_json(&messages, None)));
            }
            if let Some(answer) = &answer {
                let messages = messages_json(&[("assistant", answer)], Some(finish));
                self.add("gen_ai.output.messages", Value::Text(messages));
            }
        }
        if plan.has_openinference {
            for (name, text) in [("input.value", question), ("output.value", answer)] {
                if let Some(text) = text {
                    self.add(name, Value::Text(text));
                }
            }
        }
    }
}

fn word_text(word: &Word) -> String {
    match word {
        Word::Text(text) => truncate(text).to_owned(),
        Word::Number(number) => number.to_string(),
    }
}

/// Returns messages as JSON by the schema of the conventions.
fn messages_json(messages: &[(&str, &str)], finish_reason: Option<&str>) -> String {
    let mut json = String::from("[");
    for (place, (role, text)) in messages.iter().enumerate() {
        json.push_str(if place > 0 { ",{\"role\":\"" } else { "{\"role\":\"" });
        json.push_str(role);
        json.push_str("\",\"parts\":[{\"type\":\"text\",\"content\":");
        push_text(&mut json, text);
        json.push_str("}]");
        if let Some(reason) = finish_reason {
            json.push_str(",\"finish_reason\":");
            push_text(&mut json, reason);
        }
        json.push('}');
    }
    json.push(']');
    json
}

/// Returns the host of an authority, and its port. The port is `None` if the authority has none.
fn server(authority: &str) -> (&str, Option<u64>) {
    let bare = |host: &'_ str| -> Option<usize> { host.strip_prefix('[')?.find(']') };
    if let Some(bytes) = bare(authority) {
        let address = authority.get(1..bytes.saturating_add(1)).unwrap_or(authority);
        let port = authority.get(bytes.saturating_add(2)..).and_then(|rest| rest.strip_prefix(':'));
        return (address, port.and_then(|port| port.parse().ok()));
    }
    match authority.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>())) {
        Some((host, Ok(port))) if !host.contains(':') => (host, Some(port.into())),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests;
