use crate::policy::Policy;

use super::*;

fn refused(telemetry: &str) -> String {
    let document = format!(r#"{{"telemetry":{telemetry}}}"#);
    Policy::parse(document.as_bytes()).expect_err(&document).to_string()
}

#[test]
fn a_cluster_is_all_it_needs() {
    let policy = Policy::parse(br#"{"telemetry":{"cluster":"otel"}}"#).unwrap();
    let plan = policy.telemetry().unwrap();
    assert_eq!((plan.cluster.as_str(), plan.authority.as_str()), ("otel", "otel"));
    assert_eq!(plan.path(Signal::Spans), "/v1/traces");
    assert_eq!(plan.path(Signal::Events), "/v1/logs");
    assert_eq!((plan.encoding, plan.wants_gzip, plan.timeout_ms), (Encoding::Protobuf, false, 10_000));
    assert_eq!((plan.has_gen_ai, plan.has_openinference, plan.has_root_spans), (true, false, false));
    assert_eq!(plan.content(), Content::None);
    assert_eq!(plan.batch, Batch { items_max: 512, bytes_max: 512 * 1024, interval_ms: 5000 });
    assert!(plan.takes(Signal::Spans) && plan.takes(Signal::Events));
    let service = (Cow::Borrowed("service.name"), Value::Text("llm-gauge".to_owned()));
    assert_eq!(plan.resource, [service]);
}

#[test]
fn every_key_has_an_effect() {
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
    assert_eq!(plan.batch, Batch { items_max: 1, bytes_max: 2, interval_ms: 3 });
    assert!(plan.takes(Signal::Spans) && !plan.takes(Signal::Events));
    let shop = || Value::Text("shop".to_owned());
    assert_eq!(
        plan.resource,
        [("service.name".into(), shop()), ("openinference.project.name".into(), shop())]
    );
    assert!(!format!("{policy:?}").contains("secret"));
}

#[test]
fn bad_values_are_refused_with_their_key() {
    let cases = [
        ("1", "telemetry: expected an object"),
        ("{}", "telemetry: missing field `cluster`"),
        (
            r#"{"cluster":"c","clustr":"c"}"#,
            "telemetry.clustr: unknown field `clustr`, expected one of `cluster`, ",
        ),
        (r#"{"cluster":"c","path":"v1"}"#, "telemetry.path: expected what stands before `/v1/traces`"),
        (r#"{"cluster":"c","path":"/otel/"}"#, "telemetry.path: expected what stands before"),
        (r#"{"cluster":"c","encoding":"xml"}"#, "telemetry.encoding: expected one of `protobuf`, `json`"),
        (r#"{"cluster":"c","compression":"br"}"#, "telemetry.compression: expected one of `none`, `gzip`"),
        (r#"{"cluster":"c","attributes":"all"}"#, "telemetry.attributes: expected one of `gen_ai`, "),
        (
            r#"{"cluster":"c","content":"some"}"#,
            "telemetry.content: expected one of `none`, `sampled`, `all`",
        ),
        (
            r#"{"cluster":"c","content":"sampled"}"#,
            "telemetry.content: expected a `judge`, whose sample is meant",
        ),
        (r#"{"cluster":"c","traces":"off","events":"off"}"#, "telemetry.events: expected `on` where"),
        (r#"{"cluster":"c","root_spans":1}"#, "telemetry.root_spans: expected `on` or `off`"),
        (r#"{"cluster":"c","batch":{"items":1}}"#, "telemetry.batch.items: unknown field `items`"),
        (
            r#"{"cluster":"c","batch":{"max_items":0}}"#,
            "telemetry.batch.max_items: expected a number of at least 1",
        ),
        (
            r#"{"cluster":"c","batch":{"max_items":8193}}"#,
            "telemetry.batch.max_items: expected a smaller number",
        ),
        (r#"{"cluster":"c","batch":{"max_bytes":8388609}}"#, "telemetry.batch.max_bytes: expected a smaller"),
        (r#"{"cluster":"c","batch":{"interval_ms":0}}"#, "telemetry.batch.interval_ms: expected a number of"),
        (
            r#"{"cluster":"c","batch":{"interval_ms":3600001}}"#,
            "telemetry.batch.interval_ms: expected a smaller",
        ),
        (r#"{"cluster":"c","timeout_ms":0}"#, "telemetry.timeout_ms: expected a number of at least 1"),
        (r#"{"cluster":"c","timeout_ms":300001}"#, "telemetry.timeout_ms: expected a smaller number"),
        (
            r#"{"cluster":"c","headers":{"content-type":"a"}}"#,
            "telemetry.headers: `content-type` is no further",
        ),
        (
            r#"{"cluster":"c","headers":{"content-encoding":"a"}}"#,
            "telemetry.headers: `content-encoding` is no",
        ),
        (r#"{"cluster":"c","headers":{"x":"a\nb"}}"#, "telemetry.headers: `x` is no further header's name"),
    ];
    for (telemetry, expected) in cases {
        let message = refused(telemetry);
        assert!(message.starts_with(expected), "{telemetry}: {message}");
    }
}
