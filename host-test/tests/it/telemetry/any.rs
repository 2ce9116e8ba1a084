//! Any span and any event, decoded by the official definitions: the contents survive both encodings.

use llm_gauge_engine::telemetry::otlp::{Encoding, Event, Signal, Span, Value as Ours};
use proptest::prelude::*;

use super::*;

const WALL_NS: u64 = 1_750_000_000_123_456_789;

/// Returns texts with lengths around those at which the encoded length needs another byte.
fn text() -> impl Strategy<Value = String> {
    let lengths = prop_oneof![4 => 0..40_usize, 2 => 110..140_usize, 1 => 16_370..16_390_usize];
    prop_oneof![
        3 => "\\PC{0,30}",
        1 => "[\"\\\\\u{0}-\u{1f}\u{7f}é漢😀]{0,12}",
        2 => lengths.prop_map(|length| "x".repeat(length)),
    ]
}

fn value() -> impl Strategy<Value = Ours> {
    prop_oneof![
        text().prop_map(Ours::Text),
        prop::collection::vec(text(), 0..4).prop_map(Ours::Texts),
        any::<bool>().prop_map(Ours::Bool),
        prop_oneof![any::<u64>(), 0..300_u64].prop_map(Ours::Int),
        (-9_000_000..9_000_000_i64).prop_map(|thousandths| Ours::Double(thousandths as f64 / 1000.0)),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<(std::borrow::Cow<'static, str>, Ours)>> {
    let named = prop::collection::btree_map("[a-z._é]{1,20}", value(), 0..8);
    named.prop_map(|values| values.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (any::<[u8; 16]>(), any::<[u8; 8]>(), any::<Option<[u8; 8]>>());
    (ids, "[a-z]{1,200}", 0..100_000_000_u64, attributes(), any::<bool>(), any::<bool>()).prop_map(
        |((trace, id, parent), name, duration_ms, attributes, has_event, has_failed)| Span {
            trace,
            id,
            parent,
            name,
            duration_ms,
            attributes,
            events: has_event.then_some(("gen_ai.first_token", duration_ms / 2)).into_iter().collect(),
            content: None,
            failure: has_failed.then_some("in_stream"),
        },
    )
}

fn expected(attributes: &[(std::borrow::Cow<'static, str>, Ours)]) -> AttributeMap {
    let value = |value: &Ours| match value {
        Ours::Text(text) => json!(text),
        Ours::Texts(texts) => json!(texts),
        Ours::Bool(is) => json!(is),
        Ours::Int(number) => json!((*number).min(i64::MAX as u64)),
        Ours::Double(number) => json!(number),
    };
    attributes.iter().map(|(name, it)| (name.clone().into_owned(), value(it))).collect()
}

fn read(encoding: Encoding, signal: Signal, items: &[Vec<u8>]) -> ReceivedTelemetry {
    let path = if signal == Signal::Spans { "/v1/traces" } else { "/v1/logs" };
    let headers = Headers::request("POST", "otel", path)
        .with("content-type", encoding.content_type())
        .with("x-llm-gauge", "0".repeat(41));
    let resource = [("service.name".into(), Ours::Text("a \"shop\"".to_owned()))];
    let body = encoding.request(signal, &resource, items.iter().map(Vec::as_slice));
    let received = ReceivedTelemetry::read(|name| headers.text(name), &body).unwrap();
    assert_eq!(received.resource, expected(&resource));
    received
}

proptest! {
    #[test]
    fn any_spans_come_out_as_they_went_in(spans in prop::collection::vec(span(), 1..4)) {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let items: Vec<_> = spans.iter().map(|span| encoding.span(span, WALL_NS)).collect();
            let received = read(encoding, Signal::Spans, &items);
            prop_assert_eq!(received.spans.len(), spans.len());
            for (theirs, ours) in received.spans.iter().zip(&spans) {
                let start_ns = WALL_NS - ours.duration_ms * 1_000_000;
                prop_assert_eq!(&theirs.trace_id, &ours.trace);
                prop_assert_eq!(&theirs.span_id, &ours.id);
                prop_assert_eq!(theirs.parent_span_id.as_slice(), ours.parent.as_ref().map_or(&[][..], |id| id));
                prop_assert_eq!(&theirs.name, &ours.name);
                prop_assert_eq!(theirs.kind, 3);
                prop_assert_eq!((theirs.start_time_unix_nano, theirs.end_time_unix_nano), (start_ns, WALL_NS));
                prop_assert_eq!(values(&theirs.attributes), expected(&ours.attributes));
                let at_ns = start_ns + ours.duration_ms / 2 * 1_000_000;
                prop_assert!(theirs.events.iter().all(|event| event.time_unix_nano == at_ns));
                prop_assert_eq!(theirs.events.len(), ours.events.len());
                let status = theirs.status.as_ref().map(|status| (status.message.as_str(), status.code));
                prop_assert_eq!(status, ours.failure.map(|failure| (failure, 2)));
            }
        }
    }

    #[test]
    fn any_events_come_out_as_they_went_in(trace: [u8; 16], span: [u8; 8], attributes in attributes()) {
        let event = Event { name: "gen_ai.evaluation.result", trace, span, attributes };
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let received = read(encoding, Signal::Events, &[encoding.event(&event, WALL_NS)]);
            let theirs = &received.events[0];
            prop_assert_eq!((&theirs.trace_id[..], &theirs.span_id[..]), (&trace[..], &span[..]));
            prop_assert_eq!((theirs.time_unix_nano, theirs.observed_time_unix_nano), (WALL_NS, WALL_NS));
            prop_assert_eq!((theirs.event_name.as_str(), theirs.severity_number), (event.name, 9));
            prop_assert_eq!(values(&theirs.attributes), expected(&event.attributes));
        }
    }
}
