//! Filter state `wasm.llm.json`: a summary of an exchange for access logs.

use super::json_object::{FieldValue, Fields};
use crate::config::Policy;
use crate::record::{Record, SOURCE_ESTIMATED};
use crate::usage::Count;

/// Returns the fields of filter state `wasm.llm.json` in their order. `model` and `extra` are the values of the
/// metric labels.
pub(super) fn summary<'a>(
    record: &'a Record,
    policy: &'a Policy,
    model: &'a str,
    extra: &'a [String],
    cost_nanodollars: Option<u64>,
) -> Fields<'a> {
    let (answer, times) = (&record.answer, &record.times);
    let (input, output) = record.tokens();
    let is_estimated = record.estimated_tokens() != (None, None);
    // The sum that the metrics have, also where the provider's total is another one.
    let others = record
        .other_models()
        .fold(0, |sum: u64, (_, input, output)| sum.saturating_add(input).saturating_add(output));
    let sum = input.map(|input| input.saturating_add(output.unwrap_or(0)));
    let total = sum.or_else(|| answer.usage.get(Count::Total)).map(|total| total.saturating_add(others));
    let mut fields = Vec::with_capacity(32);
    fields.extend([
        ("request_id", record.request_id.as_str().into()),
        ("provider", record.provider.as_str().into()),
        ("operation", record.operation.into()),
        ("request_model", record.request_model.as_deref().into()),
        ("model", model.into()),
        ("response_model", answer.model.as_deref().into()),
        ("status", record.status.name().into()),
        ("error", record.error.name().into()),
    ]);
    // Without reasons the field is left out, since an empty list would mean that there are none.
    if !answer.finish_reasons.is_empty() {
        fields.push(("finish_reasons", FieldValue::Words(&answer.finish_reasons)));
    }
    fields.extend([
        ("input_tokens", input.into()),
        ("output_tokens", output.into()),
        ("total_tokens", total.into()),
        ("cached_input_tokens", answer.usage.get(Count::CacheRead).into()),
        ("reasoning_tokens", answer.usage.get(Count::Reasoning).into()),
        ("source", if is_estimated { SOURCE_ESTIMATED.into() } else { record.source().into() }),
        ("cost_nanodollars", cost_nanodollars.into()),
        ("duration_ms", times.duration_ms.into()),
        ("first_byte_ms", times.first_byte_ms.into()),
        ("first_token_ms", times.first_token_ms.into()),
        ("first_answer_ms", times.first_answer_ms.into()),
        ("response_id", answer.id.as_deref().into()),
    ]);
    if !answer.others.is_empty() {
        fields.push(("other_models", FieldValue::OtherModels(record)));
    }
    if policy.judge().is_some() {
        fields.push(("sampled", record.judged.is_some().into()));
    }
    fields.extend(policy.labels_of(extra).map(|(name, value)| (name, value.into())));
    fields
}

/// Returns the value of a field. `None` if there is no such field.
pub(super) fn field<'a>(fields: &Fields<'a>, name: &str) -> Option<FieldValue<'a>> {
    fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}
