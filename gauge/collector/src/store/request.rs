//! Reduces an OTLP request to its new spans.

use std::borrow::Cow;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

/// Returns a request with the spans at these indices, which are sorted, and with the resources and scopes that have
/// any.
///
/// The request is parsed again, because keeping the messages would cost every request memory that only a mixed one
/// needs.
pub(super) fn only<'a>(request: &'a [u8], places: &[usize]) -> Cow<'a, [u8]> {
    // JSON nested right at the bound can become protobuf that is refused: a duplicate delivery is better than none.
    let Ok(mut message) = ExportTraceServiceRequest::decode(request) else {
        return Cow::Borrowed(request);
    };
    let mut place = 0;
    for of_resource in &mut message.resource_spans {
        for of_scope in &mut of_resource.scope_spans {
            of_scope.spans.retain(|_| {
                let is_kept = places.binary_search(&place).is_ok();
                place += 1;
                is_kept
            });
        }
        of_resource.scope_spans.retain(|of_scope| !of_scope.spans.is_empty());
    }
    message.resource_spans.retain(|of_resource| !of_resource.scope_spans.is_empty());
    Cow::Owned(message.encode_to_vec())
}
