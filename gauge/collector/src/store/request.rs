//! An OTLP request without those of its spans that are not new.

use std::borrow::Cow;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

/// The spans at these places, which are in order, with the resources and scopes that have any.
///
/// Read once more rather than held as messages since it came: that would cost every request what only a mixed one has
/// to pay.
pub(super) fn only<'a>(request: &'a [u8], places: &[usize]) -> Cow<'a, [u8]> {
    // Nested right at the bound, JSON can become protobuf that is refused: a delivery twice is better than none.
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
