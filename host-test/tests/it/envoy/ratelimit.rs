//! Token limits with the pieces of `envoy/ratelimit.yaml`: Envoy's requests and charges to the rate-limit service,
//! compared with the usage that the provider reported, and the effects on clients and metrics.
//!
//! A charge is sent after its exchange, and no client waits for it: so every test waits for the service's ledger.

use std::time::Duration;

use simulators::envoy::Bootstrap;
use simulators::load::{Answer, End, Protocol, Request};
use simulators::provider::{EXCHANGE_HEADER, Provider};
use simulators::ratelimit::{Call, Descriptor, Limit, RateLimits};

use super::rig::{Rig, chat, messages, run, shipped};

/// Tokens in a window: for this tenant, and for each other one.
const SMALL: (&str, u64) = ("small", 100);
const OTHERS: u64 = 1_000_000;

/// A long timeout, since a slow machine does not mean that the service is down.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Starts the rig with rate limits, and the service.
async fn start(change: impl FnOnce(Bootstrap) -> Bootstrap) -> (Rig, RateLimits) {
    let limit = |tenant: Option<&str>, hits_per_window| Limit {
        domain: "llm".into(),
        keys: vec![("tenant".into(), tenant.map(str::to_owned))],
        hits_per_window,
    };
    let limits = vec![limit(Some(SMALL.0), SMALL.1), limit(None, OTHERS)];
    let (service, provider) = (RateLimits::start(limits).await.unwrap(), Provider::start().await.unwrap());
    let mut bootstrap = shipped().await.rate_limited().unwrap();
    bootstrap = bootstrap.rate_limit_service(service.address(), TIMEOUT).unwrap();
    for cluster in ["openai", "anthropic"] {
        bootstrap = bootstrap.upstream(cluster, provider.address(), Protocol::Http1).unwrap();
    }
    (Rig::over(provider, change(bootstrap)).await, service)
}

/// Returns a call as Envoy makes it; `over_limit` is the service's answer.
fn call(tenant: &str, hits: u64, over_limit: bool) -> Call {
    let entries = vec![("tenant".to_owned(), tenant.to_owned())];
    let descriptors = vec![Descriptor { entries, hits_addend: Some(hits) }];
    Call { domain: "llm".into(), descriptors, hits_addend: 0, over_limit }
}

/// Waits until the service's ledger equals `expected`, call by call.
async fn expect_calls(service: &RateLimits, expected: &[Call]) {
    let missing = |found: &[Call]| match found == expected {
        true => Vec::new(),
        false => vec![format!("expected {expected:#?}\nfound {found:#?}")],
    };
    service.until(missing).await.unwrap();
}

fn of(tenant: &str, request: Request) -> Request {
    request.header("x-tenant", tenant)
}

/// Checks that the answer is Envoy's refusal, and that the provider did not receive the request.
fn is_refused(answer: &Answer) {
    assert_eq!((answer.status, answer.end.clone()), (429, End::Complete));
    assert_eq!(answer.header("x-envoy-ratelimited"), "true");
    assert_eq!((answer.header(EXCHANGE_HEADER), answer.body.as_slice()), ("", b"".as_slice()));
}

/// The series of a request that was refused with an empty body.
const REFUSED: &str = r#"
    llm_requests_total{operation="chat",status="error",error="rate_limited"} 1
    llm_request_duration_milliseconds_count{operation="chat"} 1
"#;

#[test]
fn tenants_are_charged_what_the_provider_reported() {
    run(async {
        let (rig, service) = start(|bootstrap| bootstrap).await;
        let mut expected = Vec::new();
        for (tenant, request, tokens, over) in [
            (SMALL.0, chat("answer", false, "input=30; cached=10; output=30; reasoning=4"), 60, false),
            ("big", chat("stream", true, "input=1200; cached=1000; output=40"), 1240, false),
            (
                "big",
                messages("a-answer", false, "input=100; cached=60; cache_write=30; output=6"),
                106,
                false,
            ),
            ("big", messages("a-stream", true, "input=100; cached=60; cache_write=30; output=7"), 107, false),
            // At the limit is not over it. The next one overshoots with all its tokens, and is the last.
            (SMALL.0, chat("at", true, "input=30; output=10"), 40, false),
            (SMALL.0, chat("over", true, "input=30; output=10"), 40, true),
        ] {
            let answer = rig.ask(Protocol::Http1, of(tenant, request)).await;
            assert_eq!((answer.status, answer.end.clone()), (200, End::Complete));
            expected.extend([call(tenant, 0, false), call(tenant, tokens, over)]);
            expect_calls(&service, &expected).await;
        }

        for (protocol, model) in [(Protocol::Http1, "refused-h1"), (Protocol::Http2, "refused-h2")] {
            let request = of(SMALL.0, chat(model, true, "input=30; output=10"));
            is_refused(&rig.send(protocol, request).await.finish().await);
            rig.expect("openai", model, REFUSED).await;
            expected.extend([call(SMALL.0, 0, true), call(SMALL.0, 0, true)]);
            expect_calls(&service, &expected).await;
            assert_eq!(rig.provider.ledger().totals().get(model), None);
        }

        let answer = rig.ask(Protocol::Http2, of("big", chat("other", false, ""))).await;
        assert_eq!(answer.status, 200);
        expected.extend([call("big", 0, false), call("big", 20, false)]);
        expect_calls(&service, &expected).await;

        service.next_window();
        let answer = rig.ask(Protocol::Http1, of(SMALL.0, chat("again", false, ""))).await;
        assert_eq!(answer.status, 200);
        expected.extend([call(SMALL.0, 0, false), call(SMALL.0, 20, false)]);
        expect_calls(&service, &expected).await;
        assert_eq!(rig.envoy.log().unwrap(), "");
    });
}

#[test]
fn an_active_stream_is_not_cut_when_others_use_up_the_limit() {
    run(async {
        let (rig, service) = start(|bootstrap| bootstrap).await;
        let script = "input=50; output=9; gate=under-way";
        let mut stream = rig.send(Protocol::Http1, of(SMALL.0, chat("under-way", true, script))).await;
        stream.events(2).await;
        let answer =
            rig.ask(Protocol::Http1, of(SMALL.0, chat("beside", false, "input=100; output=1"))).await;
        assert_eq!(answer.status, 200);
        let mut expected = vec![call(SMALL.0, 0, false), call(SMALL.0, 0, false), call(SMALL.0, 101, true)];
        expect_calls(&service, &expected).await;
        let refused = rig.send(Protocol::Http1, of(SMALL.0, chat("refused", false, ""))).await;
        is_refused(&refused.finish().await);
        expected.extend([call(SMALL.0, 0, true), call(SMALL.0, 0, true)]);
        expect_calls(&service, &expected).await;

        rig.provider.open("under-way");
        let answer = stream.finish().await;
        assert_eq!((answer.status, answer.end.clone()), (200, End::Complete));
        rig.is_the_providers(&answer);
        expected.push(call(SMALL.0, 59, true));
        expect_calls(&service, &expected).await;
    });
}

#[test]
fn exchanges_without_usage_are_not_charged_without_estimates() {
    run(async {
        let no_estimates = r#"{"estimate": "off"}"#;
        let (rig, service) = start(|bootstrap| bootstrap.configuration(no_estimates).unwrap()).await;
        let mut expected = Vec::new();
        for (request, status) in [
            (chat("not-told", true, "usage=never"), 200),
            (chat("in-stream", true, "error_after=2"), 200),
            (messages("failed", false, "status=529"), 529),
            (chat("limited", false, "status=429"), 429),
        ] {
            let answer = rig.ask(Protocol::Http1, of("big", request)).await;
            assert_eq!(answer.status, status);
            expected.extend([call("big", 0, false), call("big", 0, false)]);
            expect_calls(&service, &expected).await;
        }
        let left = rig.send(Protocol::Http2, of("big", chat("left", true, "stall_after=2"))).await;
        drop(left);
        expected.extend([call("big", 0, false), call("big", 0, false)]);
        expect_calls(&service, &expected).await;
    });
}

/// A request without a tenant makes no call. One that is not metered leaves no number to charge, and a line in Envoy's
/// log.
#[test]
fn requests_without_tenant_or_metering_are_not_charged() {
    run(async {
        let (rig, service) = start(|bootstrap| bootstrap).await;
        rig.ask(Protocol::Http1, chat("untenanted", false, "")).await;
        let unmetered = of("big", Request::get("/v1/models"));
        assert_eq!(rig.send(Protocol::Http1, unmetered).await.finish().await.status, 400);
        rig.ask(Protocol::Http1, of("big", chat("somebody", false, ""))).await;
        let expected = [call("big", 0, false), call("big", 0, false), call("big", 20, false)];
        expect_calls(&service, &expected).await;
        let log = rig.envoy.log().unwrap();
        assert_eq!(log.matches("Invalid hits_addend").count(), 1, "{log}");
    });
}

#[test]
fn above_the_filter_refused_requests_are_not_metered() {
    run(async {
        let change =
            |bootstrap: Bootstrap| bootstrap.above("envoy.filters.http.ratelimit", "llm_gauge").unwrap();
        let (rig, service) = start(change).await;
        let answer = rig.ask(Protocol::Http1, of(SMALL.0, chat("above", true, "input=90; output=20"))).await;
        assert_eq!(answer.status, 200);
        let mut expected = vec![call(SMALL.0, 0, false), call(SMALL.0, 110, true)];
        expect_calls(&service, &expected).await;
        let refused = rig.send(Protocol::Http1, of(SMALL.0, chat("above-refused", false, ""))).await;
        is_refused(&refused.finish().await);
        rig.ask(Protocol::Http1, of("big", chat("above-other", false, ""))).await;
        expected.extend([call(SMALL.0, 0, true), call("big", 0, false), call("big", 20, false)]);
        expect_calls(&service, &expected).await;
        let stats = rig.envoy.admin().stats().await.unwrap();
        assert_eq!(stats.sum("llm_requests_total", &[]), 2.0);
        assert_eq!(stats.sum("llm_requests_total", &[("status", "success")]), 2.0);
    });
}

#[test]
fn without_the_service_traffic_flows() {
    run(async {
        let (rig, service) = start(|bootstrap| bootstrap).await;
        rig.ask(Protocol::Http1, of(SMALL.0, chat("up", false, "input=1000; output=1"))).await;
        expect_calls(&service, &[call(SMALL.0, 0, false), call(SMALL.0, 1001, true)]).await;
        drop(service);
        for stream in [false, true] {
            let answer =
                rig.ask(Protocol::Http1, of(SMALL.0, chat("down", stream, "input=30; output=9"))).await;
            assert_eq!((answer.status, answer.end.clone()), (200, End::Complete));
        }
        let expected = r#"
            llm_requests_total{operation="chat",status="success",error="none"} 2
            llm_request_duration_milliseconds_count{operation="chat"} 2
            llm_time_to_first_byte_milliseconds_count 2
            llm_time_to_first_token_milliseconds_count 1
            llm_time_to_first_answer_milliseconds_count 1
            llm_time_per_output_token_microseconds_count 1
            llm_tokens_total{type="input",source="reported"} 60
            llm_tokens_total{type="output",source="reported"} 18
        "#;
        let stats = rig.expect("openai", "down", expected).await;
        let allowed = "envoy_cluster_ratelimit_failure_mode_allowed";
        assert_eq!(stats.get(allowed, &[("envoy_cluster_name", "openai")]), Some(2.0));
    });
}
