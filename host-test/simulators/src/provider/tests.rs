//! The provider through a real socket, with the client of this package.

use serde_json::{Value, json};

use super::script::HEADER;
use super::{EXCHANGE_HEADER, Provider, Tokens};
use crate::load::{Answer, Client, End, Protocol, Request};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

fn chat(model: &str, stream: bool, script: &str) -> Request {
    let body = json!({"model": model, "stream": stream, "stream_options": {"include_usage": true}});
    Request::post("/v1/chat/completions", &body).header(HEADER, script)
}

fn messages(model: &str, stream: bool, script: &str) -> Request {
    Request::post("/v1/messages", &json!({"model": model, "stream": stream})).header(HEADER, script)
}

async fn ask(provider: &Provider, protocol: Protocol, request: Request) -> Answer {
    Client::new(provider.address(), protocol).send(request).await.unwrap().finish().await
}

/// Returns the `data:` lines of a stream that are JSON.
fn events(answer: &Answer) -> Vec<Value> {
    let text = std::str::from_utf8(&answer.body).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn reported_in_ledger(provider: &Provider, answer: &Answer) -> Tokens {
    let entry = provider.ledger().entry(answer.header(EXCHANGE_HEADER).parse().unwrap()).unwrap();
    assert_eq!(entry.body, answer.body);
    assert_eq!(entry.complete, answer.end == End::Complete);
    entry.reported
}

#[tokio::test]
async fn openai_answers_and_streams_over_both_protocols() {
    let provider = Provider::start().await.unwrap();
    let script = "input=30; cached=10; output=9; reasoning=4";
    let tokens = Tokens { input: 30, cached: 10, output: 9, reasoning: 4, cache_write: 0 };
    for protocol in BOTH {
        let unary = ask(&provider, protocol, chat("m", false, script)).await;
        assert_eq!(reported_in_ledger(&provider, &unary), tokens);
        let body: Value = serde_json::from_slice(&unary.body).unwrap();
        assert_eq!(body["usage"]["prompt_tokens_details"]["cached_tokens"], 10);
        assert_eq!(body["choices"][0]["message"]["content"], "The answer naïvely spans 日本");

        let stream = ask(&provider, protocol, chat("m", true, script)).await;
        assert_eq!(reported_in_ledger(&provider, &stream), tokens);
        let events = events(&stream);
        assert_eq!(events.len(), 1 + 5 + 1 + 1);
        assert_eq!(events.last().unwrap()["usage"]["total_tokens"], 39);
        assert!(stream.body.ends_with(b"data: [DONE]\n\n"));
    }
    assert_eq!(provider.ledger().totals()["m"].reported.input, 4 * 30);
}

#[tokio::test]
async fn a_stream_reports_usage_when_asked() {
    let provider = Provider::start().await.unwrap();
    let unasked = Request::post("/v1/completions", &json!({"model": "m", "stream": true}));
    let answer = ask(&provider, Protocol::Http1, unasked.clone()).await;
    assert!(events(&answer).iter().all(|event| event.get("usage").is_none()));
    assert_eq!(reported_in_ledger(&provider, &answer), Tokens::default());
    let always = ask(&provider, Protocol::Http1, unasked.header(HEADER, "usage=always")).await;
    assert_eq!(reported_in_ledger(&provider, &always).input, 12);
    let never = ask(&provider, Protocol::Http1, chat("m", true, "usage=never")).await;
    assert_eq!(reported_in_ledger(&provider, &never), Tokens::default());
}

#[tokio::test]
async fn anthropic_counts_the_cache_apart() {
    let provider = Provider::start().await.unwrap();
    let script = "input=100; cached=60; cache_write=30; output=6; reasoning=2";
    let tokens = Tokens { input: 100, cached: 60, cache_write: 30, output: 6, reasoning: 0 };
    for protocol in BOTH {
        let unary = ask(&provider, protocol, messages("c", false, script)).await;
        assert_eq!(reported_in_ledger(&provider, &unary), tokens);
        let stream = ask(&provider, protocol, messages("c", true, script)).await;
        assert_eq!(reported_in_ledger(&provider, &stream), tokens);
        let events = events(&stream);
        let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(kinds[..3], ["message_start", "content_block_start", "ping"]);
        assert_eq!(kinds[kinds.len() - 3..], ["content_block_stop", "message_delta", "message_stop"]);
        assert_eq!(events[0]["message"]["usage"]["input_tokens"], 10);
        assert_eq!(events[kinds.len() - 2]["usage"]["output_tokens"], 6);
    }
}

#[tokio::test]
async fn cuts_happen_after_the_scripted_number_of_tokens() {
    let provider = Provider::start().await.unwrap();
    for protocol in BOTH {
        let gate = format!("{protocol:?}");
        let client = Client::new(provider.address(), protocol);
        let cut = chat("m", true, &format!("output=9; reset_after=3; gate={gate}"));
        let mut exchange = client.send(cut).await.unwrap();
        exchange.events(4).await;
        provider.open(&gate);
        let answer = exchange.finish().await;
        assert!(matches!(answer.end, End::Cut(_)));
        assert_eq!(events(&answer).len(), 4);
        reported_in_ledger(&provider, &answer);
    }
    let half = ask(&provider, Protocol::Http1, messages("c", false, "truncate")).await;
    assert!(matches!(half.end, End::Cut(_)));
    assert!(!half.body.is_empty());
    reported_in_ledger(&provider, &half);
}

#[tokio::test]
async fn errors_have_the_providers_shape() {
    let provider = Provider::start().await.unwrap();
    let limited = ask(&provider, Protocol::Http1, chat("m", true, "status=429; retry_after=7")).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "7"));
    let body: Value = serde_json::from_slice(&limited.body).unwrap();
    assert_eq!(body["error"]["code"], "rate_limit_exceeded");
    let busy = ask(&provider, Protocol::Http2, messages("c", false, "status=529")).await;
    let body: Value = serde_json::from_slice(&busy.body).unwrap();
    assert_eq!((busy.status, &body["error"]["type"]), (529, &json!("overloaded_error")));
    let inside = ask(&provider, Protocol::Http2, messages("c", true, "error_after=2")).await;
    assert_eq!(inside.status, 200);
    assert_eq!(events(&inside).last().unwrap()["type"], "error");
    let wrong = ask(&provider, Protocol::Http1, chat("m", false, "reset_after=2")).await;
    assert_eq!(wrong.status, 400);
    assert!(String::from_utf8(wrong.body).unwrap().contains("are for streams"));
}

#[tokio::test]
async fn disconnects_are_visible_to_both_sides() {
    let provider = Provider::start().await.unwrap();
    for protocol in BOTH {
        let client = Client::new(provider.address(), protocol);
        assert!(client.send(chat("m", false, "close")).await.is_err(), "{protocol:?}");
        let silent = tokio::spawn({
            let client = client.clone();
            async move { client.send(chat("quiet", false, "silent")).await }
        });
        provider.ledger().arrived("quiet", 1).await;
        silent.abort();
        assert!(silent.await.unwrap_err().is_cancelled());
        let odd = ask(&provider, protocol, chat("m", false, "odd=latin1")).await;
        assert_eq!(odd.headers["x-odd"].as_bytes(), b"caf\xe9");
    }
}
