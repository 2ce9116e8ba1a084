//! Exchanges that do not end as their protocols define: a peer disconnects, stalls, or does not exist.

use simulators::load::{Answer, Client, End, Protocol, Request};

use super::rig::{Rig, Setup, chat, messages, run};

/// Returns the series of an OpenAI stream that was cut after its first tokens.
fn cut(status: &str, error: &str, reason: &str) -> String {
    format!(
        r#"
        llm_requests_total{{operation="chat",status="{status}",error="{error}"}} 1
        llm_request_duration_milliseconds_count{{operation="chat"}} 1
        llm_time_to_first_byte_milliseconds_count 1
        llm_time_to_first_token_milliseconds_count 1
        llm_time_to_first_answer_milliseconds_count 1
        llm_usage_missing_total{{reason="{reason}"}} 1
        "#
    )
}

/// Returns the series of a request without a provider's answer.
fn unanswered(error: &str) -> String {
    format!(
        r#"
        llm_requests_total{{operation="chat",status="error",error="{error}"}} 1
        llm_request_duration_milliseconds_count{{operation="chat"}} 1
        llm_time_to_first_byte_milliseconds_count 1
        "#
    )
}

#[test]
fn connection_refused() {
    run(async {
        let rig = Rig::shared(Setup::Refused).await;
        let answer = rig.send(Protocol::Http1, chat("refused", true, "")).await.finish().await;
        assert_eq!((answer.status, answer.end.clone()), (503, End::Complete));
        rig.expect("openai", "refused", &unanswered("upstream_connect")).await;
    });
}

#[test]
fn upstream_closes_before_headers() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        let answer = rig.send(Protocol::Http1, chat("closed", false, "close")).await.finish().await;
        assert_eq!(answer.status, 503);
        rig.expect("openai", "closed", &unanswered("upstream_reset")).await;
    });
}

/// Reads the first events of a stream, makes the provider break it, and reads the rest.
async fn broken(rig: &Rig, protocol: Protocol, gate: &str, request: Request, events: usize) -> Answer {
    let mut exchange = rig.send(protocol, request).await;
    assert_eq!(exchange.status, 200);
    exchange.events(events).await;
    rig.provider.open(gate);
    let answer = exchange.finish().await;
    rig.is_the_providers(&answer);
    assert!(
        matches!(answer.end, End::Cut(_)),
        "the client has to see that the stream was cut: {:?}",
        answer.end
    );
    answer
}

#[test]
fn upstream_resets_mid_stream() {
    run(async {
        for (setup, protocol, model) in [
            (Setup::Plain, Protocol::Http1, "reset-h1-h1"),
            (Setup::Plain, Protocol::Http2, "reset-h2-h1"),
            (Setup::Http2, Protocol::Http1, "reset-h1-h2"),
            (Setup::Http2, Protocol::Http2, "reset-h2-h2"),
        ] {
            let rig = Rig::shared(setup).await;
            let request = chat(model, true, &format!("output=9; reset_after=3; gate={model}"));
            broken(&rig, protocol, model, request, 4).await;
            rig.expect("openai", model, &cut("error", "upstream_reset", "upstream_reset")).await;
        }
    });
}

#[test]
fn anthropic_reset_keeps_what_the_start_said() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        let request = messages(
            "anthropic-reset",
            true,
            "input=100; cached=60; output=9; reset_after=3; gate=anthropic-reset",
        );
        broken(&rig, Protocol::Http1, "anthropic-reset", request, 6).await;
        let expected = r#"
            llm_requests_total{operation="chat",status="error",error="upstream_reset"} 1
            llm_request_duration_milliseconds_count{operation="chat"} 1
            llm_time_to_first_byte_milliseconds_count 1
            llm_time_to_first_token_milliseconds_count 1
            llm_time_to_first_answer_milliseconds_count 1
            llm_tokens_total{type="input",source="reported"} 100
            llm_tokens_total{type="output",source="reported"} 1
            llm_token_details_total{type="cached_input"} 60
            llm_usage_missing_total{reason="upstream_reset"} 1
        "#;
        rig.expect("anthropic", "anthropic-reset", expected).await;
    });
}

#[test]
fn truncated_answer() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        let request = chat("truncated", false, "truncate; gate=truncated");
        let mut exchange = rig.send(Protocol::Http1, request).await;
        exchange.bytes(1).await;
        rig.provider.open("truncated");
        let answer = exchange.finish().await;
        rig.is_the_providers(&answer);
        assert!(matches!(answer.end, End::Cut(_)));
        let expected = r#"
            llm_requests_total{operation="chat",status="error",error="upstream_reset"} 1
            llm_request_duration_milliseconds_count{operation="chat"} 1
            llm_time_to_first_byte_milliseconds_count 1
            llm_usage_missing_total{reason="upstream_reset"} 1
        "#;
        rig.expect("openai", "truncated", expected).await;
    });
}

#[test]
fn client_leaves_mid_stream() {
    run(async {
        for (setup, protocol, model) in [
            (Setup::Plain, Protocol::Http1, "left-h1"),
            (Setup::Plain, Protocol::Http2, "left-h2"),
            (Setup::Http2, Protocol::Http2, "left-h2-h2"),
        ] {
            let rig = Rig::shared(setup).await;
            let mut exchange = rig.send(protocol, chat(model, true, "output=9; stall_after=3")).await;
            exchange.events(4).await;
            drop(exchange);
            rig.expect("openai", model, &cut("cancelled", "client_cancelled", "cancelled")).await;
        }
    });
}

/// A client that has the whole response may close the connection before the upstream's HTTP/2 end of stream has reached
/// Envoy, which then counts as a disconnect. The script never sends that end.
async fn left_with_everything(model: &str, stream: bool) {
    let rig = Rig::shared(Setup::Http2).await;
    let client = Client::new(rig.envoy.listener(), Protocol::Http1);
    let request = chat(model, stream, "input=30; output=9; linger; gate=never");
    let mut exchange = client.send(request).await.unwrap();
    // The role, nine tokens, the end of the choice, usage and the end mark. An answer ends by its length.
    exchange.events(13).await;
    assert!(exchange.received().ends_with(if stream { b"data: [DONE]\n\n".as_slice() } else { b"}" }));
    drop((exchange, client));
    let mut expected = r#"
        llm_requests_total{operation="chat",status="success",error="none"} 1
        llm_request_duration_milliseconds_count{operation="chat"} 1
        llm_time_to_first_byte_milliseconds_count 1
        llm_tokens_total{type="input",source="reported"} 30
        llm_tokens_total{type="output",source="reported"} 9
    "#
    .to_owned();
    if stream {
        expected += r#"
            llm_time_to_first_token_milliseconds_count 1
            llm_time_to_first_answer_milliseconds_count 1
            llm_time_per_output_token_microseconds_count 1
        "#;
    }
    rig.expect("openai", model, &expected).await;
}

#[test]
fn client_leaves_after_the_last_event() {
    run(left_with_everything("everything-stream", true));
}

#[test]
fn client_leaves_after_the_last_byte() {
    run(left_with_everything("everything-answer", false));
}

#[test]
fn client_leaves_before_the_answer() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        for (protocol, model) in [(Protocol::Http1, "early-h1"), (Protocol::Http2, "early-h2")] {
            let client = Client::new(rig.envoy.listener(), protocol);
            let request = tokio::spawn(async move { client.send(chat(model, false, "silent")).await });
            rig.provider.ledger().arrived(model, 1).await;
            request.abort();
            let expected = r#"
                llm_requests_total{operation="chat",status="cancelled",error="client_cancelled"} 1
                llm_request_duration_milliseconds_count{operation="chat"} 1
                llm_usage_missing_total{reason="cancelled"} 1
            "#;
            rig.expect("openai", model, expected).await;
        }
    });
}

#[test]
fn route_timeout_before_the_answer() {
    run(async {
        let rig = Rig::shared(Setup::Impatient).await;
        let answer = rig.send(Protocol::Http1, chat("late", false, "silent")).await.finish().await;
        assert_eq!((answer.status, answer.end.clone()), (504, End::Complete));
        rig.expect("openai", "late", &unanswered("upstream_timeout")).await;
    });
}

#[test]
fn route_timeout_mid_stream() {
    run(async {
        let rig = Rig::shared(Setup::Impatient).await;
        for (protocol, model) in [(Protocol::Http1, "stalled-h1"), (Protocol::Http2, "stalled-h2")] {
            let answer =
                rig.send(protocol, chat(model, true, "output=9; stall_after=3")).await.finish().await;
            assert_eq!(answer.status, 200);
            assert!(matches!(answer.end, End::Cut(_)));
            rig.is_the_providers(&answer);
            rig.expect("openai", model, &cut("error", "upstream_timeout", "upstream_reset")).await;
        }
    });
}
