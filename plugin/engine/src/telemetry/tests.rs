use crate::config::Policy;

use super::*;

#[test]
fn telemetry_needs_only_a_cluster() {
    let policy = Policy::parse(br#"{"telemetry":{"cluster":"otel"}}"#).unwrap();
    let plan = policy.telemetry().unwrap();
    assert_eq!((plan.cluster.as_str(), plan.authority.as_str()), ("otel", "otel"));
    assert_eq!(plan.path(Signal::Spans), "/v1/traces");
    assert_eq!(plan.path(Signal::Events), "/v1/logs");
    assert_eq!((plan.encoding, plan.wants_gzip, plan.timeout_ms), (Encoding::Protobuf, false, 10_000));
    assert_eq!((plan.has_gen_ai, plan.has_openinference, plan.has_root_spans), (true, false, false));
    assert_eq!(plan.content(), Content::None);
    assert_eq!(plan.batch, BatchLimits { items_max: 512, bytes_max: 512 * 1024, interval_ms: 5000 });
    assert!(plan.takes(Signal::Spans) && plan.takes(Signal::Events));
    let service = (Cow::Borrowed("service.name"), Value::Text("llm-gauge".to_owned()));
    assert_eq!(plan.resource, [service]);
}

#[test]
fn every_telemetry_key_has_an_effect() {
    let policy = Policy::parse(
        br#"{"service":"shop","judge":{"cluster":"judge","model":"g"},"telemetry":{"cluster":"otel",
            "authority":"api.example","path":"/api/otel","headers":{"x-api-key":"secret"},"encoding":"json",
            "compression":"gzip","traces":"on","events":"off","attributes":"both","content":"sampled",
            "root_spans":true,"batch":{"max_items":1,"max_bytes":2,"interval_ms":3},"timeout_ms":4}}"#,
    );
    let policy = policy.unwrap();
    let plan = policy.telemetry().unwrap();
    assert_eq!(
        (plan.authority.as_str(), plan.path(Signal::Events)),
        ("api.example", "/api/otel/v1/logs".to_owned())
    );
    assert_eq!(plan.headers, [("x-api-key".to_owned(), "secret".to_owned())]);
    assert_eq!((plan.encoding, plan.wants_gzip, plan.timeout_ms), (Encoding::Json, true, 4));
    assert_eq!((plan.has_gen_ai, plan.has_openinference, plan.has_root_spans), (true, true, true));
    assert_eq!(plan.content(), Content::Sampled);
    assert_eq!(plan.batch, BatchLimits { items_max: 1, bytes_max: 2, interval_ms: 3 });
    assert!(plan.takes(Signal::Spans) && !plan.takes(Signal::Events));
    let shop = || Value::Text("shop".to_owned());
    assert_eq!(
        plan.resource,
        [("service.name".into(), shop()), ("openinference.project.name".into(), shop())]
    );
    assert!(!format!("{policy:?}").contains("secret"));
}
