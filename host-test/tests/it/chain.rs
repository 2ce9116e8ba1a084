//! Two instances of the filter in one filter chain, and configurations that replace each other.

use host_test::{Action, Ending, Guest, Headers, LogLevel, Options, SharedProxyState};

use crate::common;

fn head(request_id: &str) -> Headers {
    let head = Headers::request("POST", "api.openai.com", "/v1/chat/completions");
    if request_id.is_empty() { head } else { head.with("x-request-id", request_id) }
}

/// Begins a stream of a connection, and returns its id.
fn begin(guest: &mut Guest, connection: u8, request_id: &str) -> u32 {
    let mut stream = guest.open().unwrap();
    stream.set_property("connection.id", u64::from(connection).to_le_bytes().to_vec());
    assert_eq!(stream.request_headers(&head(request_id), false).unwrap(), Action::Continue);
    stream.id()
}

fn end(guest: &mut Guest, stream: u32) {
    guest.stream(stream).end(Ending::ClientGone).unwrap();
}

fn requests(guest: &Guest) -> u64 {
    let proxy_state = guest.host().proxy_state();
    let metrics = proxy_state.metrics.iter();
    metrics
        .filter(|((stat, _), _)| stat.starts_with("llm_requests_total"))
        .map(|(_, metric)| metric.value)
        .sum()
}

#[test]
fn a_request_that_passes_two_instances_is_counted_once() {
    for request_id in ["6f1c2d8e-0a1b-4c3d-8e4f-5a6b7c8d9e0f", "x", ""] {
        let mut guest = Guest::start(&common::filter(), Options::configured("{}")).unwrap();
        for round in 1..=3 {
            let first = begin(&mut guest, 1, request_id);
            let second = begin(&mut guest, 1, request_id);
            // The response passes the second instance first, and the log phase the first one.
            end(&mut guest, first);
            end(&mut guest, second);
            assert_eq!(requests(&guest), round, "{request_id:?}");
            guest.advance_ms(1);
        }
        let warnings = guest.host().logged(LogLevel::Warn);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("passes two instances of the filter"), "{warnings:?}");
        guest.advance_ms(60_000);
        let streams = [begin(&mut guest, 1, request_id), begin(&mut guest, 1, request_id)];
        streams.into_iter().for_each(|stream| end(&mut guest, stream));
        assert_eq!(guest.host().logged(LogLevel::Warn).len(), 2);
    }
}

#[test]
fn requests_that_only_look_alike_are_counted_each() {
    let mut guest = Guest::start(&common::filter(), Options::configured("{}")).unwrap();
    // The same id on two connections, and a second attempt on the first one.
    let first = begin(&mut guest, 1, "r");
    let other = begin(&mut guest, 2, "r");
    end(&mut guest, first);
    guest.advance_ms(1);
    let again = begin(&mut guest, 1, "r");
    end(&mut guest, other);
    end(&mut guest, again);
    assert_eq!(requests(&guest), 3);
    // A stream whose attempts follow each other within one request.
    let first = begin(&mut guest, 3, "s");
    end(&mut guest, first);
    let second = begin(&mut guest, 3, "s");
    end(&mut guest, second);
    assert_eq!(requests(&guest), 5);
    assert_eq!(guest.host().logged(LogLevel::Warn), [""; 0]);
}

/// Returns the values of `llm_gauge_build_info`, by whether their configuration has prices.
fn build_info(proxy_state: &SharedProxyState) -> (u64, u64) {
    let proxy_state = proxy_state.lock();
    let value = |has_prices: bool| {
        let metrics = proxy_state.metrics.iter();
        let is_wanted = |stat: &str| {
            stat.starts_with("llm_gauge_build_info") && stat.contains("prices=.=none") != has_prices
        };
        metrics.filter(|((stat, _), _)| is_wanted(stat)).map(|(_, metric)| metric.value).sum()
    };
    (value(false), value(true))
}

fn serve(guest: &mut Guest) {
    let stream = begin(guest, 1, "r");
    end(guest, stream);
}

const PRICED: &str = r#"{"prices":{"version":"v1","rows":[]}}"#;

#[test]
fn the_build_info_of_a_replaced_configuration_becomes_0() {
    let proxy_state = SharedProxyState::new();
    let start = |configuration: &str| {
        let options = Options { proxy_state: proxy_state.clone(), ..Options::configured(configuration) };
        Guest::start(&common::filter(), options).unwrap()
    };
    let mut before = [start("{}"), start("{}")];
    before.iter_mut().for_each(serve);
    assert_eq!(build_info(&proxy_state), (1, 0));
    // One that serves no stream, as Envoy has one, is never shut down.
    let idle = start("{}");
    let mut after = [start(PRICED), start(PRICED)];
    after.iter_mut().for_each(serve);
    assert_eq!(build_info(&proxy_state), (1, 1));
    before[0].shut_down().unwrap();
    assert_eq!(build_info(&proxy_state), (1, 1), "another worker still has it");
    before[1].shut_down().unwrap();
    assert_eq!(build_info(&proxy_state), (0, 1));
    // Other hosts configure the same root context again.
    after[0].reconfigure("{}").unwrap();
    assert_eq!(build_info(&proxy_state), (1, 1));
    after[1].reconfigure("{}").unwrap();
    assert_eq!(build_info(&proxy_state), (1, 0));
    assert!(idle.failure().is_none());
}
