use super::*;
use crate::judge::Judge;

/// Returns all settings of a policy, without the fingerprint and the paths, which follow from the others.
pub(in crate::config) fn settings(policy: &Policy) -> String {
    let Policy { rules, labels, models, requests_usage, estimates, prices, .. } = policy;
    let mut settings = format!("{rules:?} {labels:?} {models:?} {requests_usage} {estimates} {prices:?}\n");
    let Policy { judge, feedback, telemetry, redactor, filter_state, .. } = policy;
    settings += &format!("{judge:?} {feedback:?} {redactor:?} {filter_state:?}\n");
    let Policy { event_bytes_max, request_bytes_max, worker_bytes, .. } = policy;
    settings += &format!("{event_bytes_max} {request_bytes_max} {worker_bytes}\n");
    // These are not in `Debug`, since there are secrets beside them.
    for judge in judge.iter().flat_map(|plan| &plan.judges) {
        let Judge { cluster, authority, path, model, provider, headers, weight } = judge;
        settings += &format!("{cluster} {authority} {path} {model} {provider} {headers:?} {weight}\n");
    }
    if let Some(plan) = telemetry {
        settings += &format!("{} {} {} {:?}\n", plan.cluster, plan.authority, plan.path, plan.headers);
        settings +=
            &format!("{:?} {} {} {:?}\n", plan.encoding, plan.wants_gzip, plan.timeout_ms, plan.batch);
        settings += &format!("{} {} {:?}\n", plan.has_gen_ai, plan.has_openinference, plan.content);
        settings += &format!("{} {} {}\n", plan.has_root_spans, plan.has_spans, plan.has_events);
        settings += &format!("{:?}\n", plan.resource);
    }
    settings
}

#[test]
fn empty_document_has_the_defaults() {
    for config in ["", " \n", "{}"] {
        let policy = Policy::parse(config.as_bytes()).unwrap();
        assert_eq!(policy.event_bytes_max(), 16 * 1024 * 1024);
        assert_eq!((policy.requests_usage(), policy.request_bytes_max()), (false, 1_000_000));
        assert_eq!((policy.models().max_series, policy.labels().len()), (200, 0));
        assert!(policy.rules.is_none() && !policy.needs_place());
    }
    let empty = Policy::parse(b"").unwrap();
    assert_eq!(empty.fingerprint(), Policy::parse(b"{}").unwrap().fingerprint());
    assert_ne!(empty.fingerprint(), Policy::parse(b"{ }").unwrap().fingerprint());
    assert_eq!(empty.fingerprint(), "44136fa355b3678a");
}

#[test]
fn renamed_applies_the_first_rule_that_matches() {
    let policy = br#"{"models":{"rename":[{"match":"gpt-4o-*","to":"gpt-4o"},{"match":"*","to":"rest"}]}}"#;
    let policy = Policy::parse(policy).unwrap();
    assert_eq!((policy.renamed("gpt-4o-mini"), policy.renamed("gpt-4o")), ("gpt-4o", "rest"));
    assert_eq!(Policy::parse(b"{}").unwrap().renamed("x"), "x");
}

#[test]
fn label_values_are_escaped_and_cut() {
    let config =
        br#"{"labels":[{"name":"tenant","header":"x-t"},{"name":"team","header":"x-u","default":"none"}]}"#;
    let policy = Policy::parse(config).unwrap();
    let check = |tenant: &[u8], expected: &str| {
        let head = Headers::new([(&b"x-t"[..], tenant)]);
        assert_eq!(policy.label_values(&head), [expected, "none"]);
    };
    check(b"acme", "acme");
    check(b"", "unknown");
    check(b"a;.;b\xff", "a;_;b\u{fffd}");
    check(&[b'x'; 60_000], &"x".repeat(128));
    assert_eq!(policy.label_values(&Headers::default()), ["unknown", "none"]);
}
