//! Converts spans to rows: ours by their own attributes, others by those of OpenTelemetry or OpenInference.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span as Sent;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::attributes::Attributes;
use super::{RejectedItems, id};
use crate::store::Span;

/// Converts spans to rows, and removes those that cannot be rows from the request. It may be forwarded to stores that
/// refuse all of it for one bad span.
pub(super) fn rows(
    request: &mut ExportTraceServiceRequest,
    rejected: &mut RejectedItems,
    now_ns: i64,
) -> Vec<Span> {
    let mut rows = Vec::new();
    for of_resource in &mut request.resource_spans {
        let attributes = of_resource.resource.as_ref().map(|resource| resource.attributes.clone());
        let service = Attributes::new(attributes.unwrap_or_default()).text(&["service.name"]);
        for of_scope in &mut of_resource.scope_spans {
            of_scope.spans.retain(|span| match row(span, service.as_deref(), rejected, now_ns) {
                Ok(row) => {
                    rows.push(row);
                    true
                }
                Err(reason) => {
                    rejected.add(&format!("span {:?}: {reason}", span.name));
                    false
                }
            });
        }
    }
    rows
}

fn row(
    span: &Sent,
    service: Option<&str>,
    rejected: &mut RejectedItems,
    now_ns: i64,
) -> Result<Span, String> {
    let (trace_id, span_id) = (id(&span.trace_id, "trace id")?, id(&span.span_id, "span id")?);
    let parent_span_id = match span.parent_span_id.is_empty() {
        true => None,
        false => Some(id(&span.parent_span_id, "parent's span id")?),
    };
    if span.start_time_unix_nano == 0 {
        return Err("it has no start".to_owned()); // its week would be unknown
    }
    let start_ns = rejected.time(span.start_time_unix_nano, now_ns)?;
    let end_ns =
        i64::try_from(span.end_time_unix_nano).map_err(|_| "it ends after the year 2262".to_owned())?;
    let is_error = span.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32);
    let taken = (end_ns.saturating_sub(start_ns) / 1_000_000).max(0);
    let mut of = Attributes::new(span.attributes.clone());
    Ok(Span {
        trace_id,
        span_id,
        parent_span_id,
        name: span.name.clone(),
        start_ns,
        end_ns,
        service: service.map(str::to_owned),
        provider: of.text(&["gen_ai.provider.name", "gen_ai.system", "llm.provider"]),
        operation: of.text(&["gen_ai.operation.name"]),
        // The label first, which is in an attribute of the same name, or renamed by the configuration.
        model: model(&mut of, span),
        request_model: of.text(&["gen_ai.request.model", "llm.model_name"]),
        response_model: of.text(&["gen_ai.response.model"]),
        status: of
            .text(&["llm_gauge.status"])
            .or_else(|| Some(if is_error { "error" } else { "success" }.to_owned())),
        error: of.text(&["llm_gauge.error", "error.type"]).or_else(|| Some("none".to_owned())),
        input_tokens: of.count(&["gen_ai.usage.input_tokens", "llm.token_count.prompt"]),
        output_tokens: of.count(&["gen_ai.usage.output_tokens", "llm.token_count.completion"]),
        cached_input_tokens: of
            .count(&["gen_ai.usage.cache_read.input_tokens", "llm.token_count.prompt_details.cache_read"]),
        reasoning_tokens: of
            .count(&["gen_ai.usage.reasoning.output_tokens", "llm.token_count.completion_details.reasoning"]),
        source: of.text(&["llm_gauge.usage.source"]),
        cost_nanodollars: of.count(&["llm_gauge.cost_nanodollars"]),
        duration_ms: of.count(&["llm_gauge.duration_ms"]).or(Some(taken)),
        first_token_ms: of.count(&["llm_gauge.first_token_ms"]),
        sampled: of.flag(&["llm_gauge.sampled"]),
        input_text: of.text(&["gen_ai.input.messages", "input.value"]),
        output_text: of.text(&["gen_ai.output.messages", "output.value"]),
        attributes_json: of.rest(),
    })
}

fn model(of: &mut Attributes, span: &Sent) -> Option<String> {
    of.text(&["llm_gauge.model"]).or_else(|| {
        let asked = ["gen_ai.request.model", "llm.model_name"];
        let pairs = span.attributes.iter().filter(|pair| asked.contains(&pair.key.as_str())).cloned();
        Attributes::new(pairs.collect()).text(&asked)
    })
}
