//! Converts a record of the contract into the JSON form of the filter's own records, so that tests can compare both.

use serde_json::{Map, Value, json};

use super::types::{ErrorClass, ExchangeRecord, Gap, Source, Status, Usage, UsageMissing, Word};

/// Returns every field under its name in the filter state `wasm.llm.record`, without ids and times.
pub fn fields(record: &ExchangeRecord) -> Map<String, Value> {
    let usage = &record.usage;
    let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::from);
    let fields = [
        ("provider", json!(record.provider)),
        ("operation", json!(record.operation)),
        ("request_model", text(&record.request_model)),
        ("response_model", text(&record.response_model)),
        ("response_id", text(&record.response_id)),
        ("streaming", json!(record.streaming)),
        ("finish_reasons", record.finish_reasons.iter().map(word).collect()),
        ("tool_calls", json!(record.tool_calls)),
        ("choices", json!(record.choices)),
        ("error_type", record.error_type.as_ref().map_or(Value::Null, word)),
        ("error_code", record.error_code.as_ref().map_or(Value::Null, word)),
        ("error_in_stream", json!(record.error_in_stream)),
        ("content_chunks", json!(record.content_chunks)),
        ("complete", json!(record.complete)),
        ("source", json!(record.source.map(source))),
        ("status", json!(status(record.status))),
        ("error", json!(error(record.error))),
        ("usage_missing", json!(record.usage_missing.map(usage_missing))),
        ("gaps", record.gaps.iter().copied().map(gap).collect()),
    ];
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    fields.chain(counts(usage)).collect()
}

fn counts(usage: &Usage) -> impl Iterator<Item = (String, Value)> {
    let counts = [
        ("input_tokens", usage.input_tokens),
        ("output_tokens", usage.output_tokens),
        ("total_tokens", usage.total_tokens),
        ("cached_input_tokens", usage.cached_input_tokens),
        ("cache_creation_input_tokens", usage.cache_creation_input_tokens),
        ("reasoning_tokens", usage.reasoning_tokens),
        ("audio_input_tokens", usage.audio_input_tokens),
        ("audio_output_tokens", usage.audio_output_tokens),
        ("tool_use_prompt_tokens", usage.tool_use_prompt_tokens),
        ("estimated_input_tokens", usage.estimated_input_tokens),
        ("estimated_output_tokens", usage.estimated_output_tokens),
    ];
    counts.into_iter().map(|(name, count)| (name.to_owned(), json!(count)))
}

fn word(word: &Word) -> Value {
    match word {
        Word::Text(text) => json!(text),
        Word::Number(number) => json!(number),
    }
}

fn gap(gap: Gap) -> &'static str {
    match gap {
        Gap::NotJson => "not_json",
        Gap::Malformed => "malformed",
        Gap::TooDeep => "too_deep",
        Gap::EventTooLarge => "event_too_large",
        Gap::TooManyValues => "too_many_values",
        Gap::UnknownEncoding => "unknown_encoding",
        Gap::DecodeFailed => "decode_failed",
        Gap::DecodedTooLarge => "decoded_too_large",
        Gap::Memory => "memory",
        Gap::ImplausibleUsage => "implausible_usage",
        Gap::Truncated => "truncated",
        Gap::IncompleteStream => "incomplete_stream",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Success => "success",
        Status::Error => "error",
        Status::Cancelled => "cancelled",
    }
}

fn error(error: ErrorClass) -> &'static str {
    match error {
        ErrorClass::None => "none",
        ErrorClass::RateLimited => "rate_limited",
        ErrorClass::Authentication => "authentication",
        ErrorClass::Permission => "permission",
        ErrorClass::InvalidRequest => "invalid_request",
        ErrorClass::NotFound => "not_found",
        ErrorClass::ContextLength => "context_length",
        ErrorClass::ContentFilter => "content_filter",
        ErrorClass::Overloaded => "overloaded",
        ErrorClass::ServerError => "server_error",
        ErrorClass::InStream => "in_stream",
        ErrorClass::UpstreamConnect => "upstream_connect",
        ErrorClass::UpstreamReset => "upstream_reset",
        ErrorClass::UpstreamTimeout => "upstream_timeout",
        ErrorClass::ClientCancelled => "client_cancelled",
        ErrorClass::LocalReply => "local_reply",
        ErrorClass::Other => "other",
    }
}

fn usage_missing(usage_missing: UsageMissing) -> &'static str {
    match usage_missing {
        UsageMissing::NotSent => "not_sent",
        UsageMissing::Cancelled => "cancelled",
        UsageMissing::UpstreamReset => "upstream_reset",
        UsageMissing::Unreadable => "unreadable",
    }
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Reported => "reported",
        Source::Estimated => "estimated",
    }
}
