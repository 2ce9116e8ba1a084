//! A record as a JSON object.

use super::json_object::{FieldValue, json};
use crate::record::Record;
use crate::usage::Count;

/// Returns all fields of an exchange's record as a JSON object: filter state `wasm.llm.record`, which replays
/// compare. Unknown fields are null.
pub fn record_json(record: &Record) -> String {
    let answer = &record.answer;
    let count = |count| FieldValue::from(answer.usage.get(count));
    let (estimated_input_tokens, estimated_output_tokens) = record.estimated_tokens();
    let gaps: Vec<_> = record.gaps.iter().map(|gap| gap.name()).collect();
    let fields = vec![
        ("provider", record.provider.as_str().into()),
        ("operation", record.operation.into()),
        ("request_model", record.request_model.as_deref().into()),
        ("response_model", answer.model.as_deref().into()),
        ("response_id", answer.id.as_deref().into()),
        ("streaming", answer.streaming.into()),
        ("input_tokens", answer.input_tokens.into()),
        ("output_tokens", answer.output_tokens.into()),
        ("total_tokens", count(Count::Total)),
        ("cached_input_tokens", count(Count::CacheRead)),
        ("cache_creation_input_tokens", count(Count::CacheWrite)),
        ("reasoning_tokens", count(Count::Reasoning)),
        ("audio_input_tokens", count(Count::AudioInput)),
        ("audio_output_tokens", count(Count::AudioOutput)),
        ("tool_use_prompt_tokens", count(Count::ToolUseInput)),
        ("finish_reasons", FieldValue::Words(&answer.finish_reasons)),
        ("tool_calls", answer.tool_calls.into()),
        ("choices", answer.choices.into()),
        ("error_type", answer.error_type.as_ref().into()),
        ("error_code", answer.error_code.as_ref().into()),
        ("error_in_stream", record.error_in_stream().into()),
        ("content_chunks", answer.content_chunks.into()),
        ("complete", answer.complete.into()),
        ("source", record.source().into()),
        ("estimated_input_tokens", estimated_input_tokens.into()),
        ("estimated_output_tokens", estimated_output_tokens.into()),
        ("status", record.status.name().into()),
        ("error", record.error.name().into()),
        ("usage_missing", record.usage_missing.map(|reason| reason.name()).into()),
        ("gaps", FieldValue::Names(&gaps)),
    ];
    json(&fields, true)
}
