//! Exchanges that end as their protocols define: answers, streams and the providers' own errors.

use serde_json::json;
use simulators::load::{End, Protocol, Request};
use simulators::provider::script;

use super::rig::{Rig, Setup, chat, messages, run};

#[test]
fn openai_answer() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        let request = chat("openai-answer", false, "input=30; cached=10; output=9; reasoning=4");
        let answer = rig.ask(Protocol::Http1, request).await;
        assert_eq!((answer.status, answer.end.clone()), (200, End::Complete));
        assert!(!answer.header("x-llm-request-id").is_empty());
        let expected = r#"
            llm_requests_total{operation="chat",status="success",error="none"} 1
            llm_request_duration_milliseconds_count{operation="chat"} 1
            llm_time_to_first_byte_milliseconds_count 1
            llm_tokens_total{type="input",source="reported"} 30
            llm_tokens_total{type="output",source="reported"} 9
            llm_token_details_total{type="cached_input"} 10
            llm_token_details_total{type="reasoning"} 4
        "#;
        rig.expect("openai", "openai-answer", expected).await;
    });
}

#[test]
fn openai_stream() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        // The delay of the token only has to be longer than the bucket that is checked below.
        let request = chat("openai-stream", true, "input=30; cached=10; output=9; reasoning=4; first_ms=120");
        let answer = rig.ask(Protocol::Http1, request).await;
        assert_eq!((answer.status, answer.end.clone()), (200, End::Complete));
        let expected = r#"
            llm_requests_total{operation="chat",status="success",error="none"} 1
            llm_request_duration_milliseconds_count{operation="chat"} 1
            llm_time_to_first_byte_milliseconds_count 1
            llm_time_to_first_token_milliseconds_count 1
            llm_time_to_first_answer_milliseconds_count 1
            llm_time_per_output_token_microseconds_count 1
            llm_tokens_total{type="input",source="reported"} 30
            llm_tokens_total{type="output",source="reported"} 9
            llm_token_details_total{type="cached_input"} 10
            llm_token_details_total{type="reasoning"} 4
        "#;
        let stats = rig.expect("openai", "openai-stream", expected).await;
        let labels = [("provider", "openai"), ("model", "openai-stream"), ("le", "100")];
        assert_eq!(stats.get("llm_time_to_first_token_milliseconds_bucket", &labels), Some(0.0));
    });
}

#[test]
fn openai_stream_without_usage() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        let answer = rig.ask(Protocol::Http1, chat("no-usage", true, "usage=never")).await;
        assert_eq!((answer.status, answer.end.clone()), (200, End::Complete));
        let stats = rig.envoy.admin().until(|stats| {
            let labels = [("provider", "openai"), ("model", "no-usage"), ("reason", "not_sent")];
            let count = stats.get("llm_usage_missing_total", &labels);
            if count == Some(1.0) {
                Vec::new()
            } else {
                vec![format!("not_sent: expected 1, found {count:?}")]
            }
        });
        let stats = stats.await.unwrap();
        assert_eq!(stats.sum("llm_tokens_total", &[("model", "no-usage"), ("source", "reported")]), 0.0);
    });
}

#[test]
fn openai_completions_and_embeddings() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        let mut body = json!({"model": "completion", "prompt": "Once", "stream": true});
        body["stream_options"] = json!({"include_usage": true});
        let answer = rig.ask(Protocol::Http1, Request::post("/v1/completions", &body)).await;
        assert_eq!(answer.status, 200);
        let expected = r#"
            llm_requests_total{operation="text_completion",status="success",error="none"} 1
            llm_request_duration_milliseconds_count{operation="text_completion"} 1
            llm_time_to_first_byte_milliseconds_count 1
            llm_time_to_first_token_milliseconds_count 1
            llm_time_to_first_answer_milliseconds_count 1
            llm_time_per_output_token_microseconds_count 1
            llm_tokens_total{type="input",source="reported"} 12
            llm_tokens_total{type="output",source="reported"} 8
        "#;
        rig.expect("openai", "completion", expected).await;

        let body = json!({"model": "embedding", "input": "Once"});
        let answer = rig.ask(Protocol::Http1, Request::post("/v1/embeddings", &body)).await;
        assert_eq!(answer.status, 200);
        let expected = r#"
            llm_requests_total{operation="embeddings",status="success",error="none"} 1
            llm_request_duration_milliseconds_count{operation="embeddings"} 1
            llm_time_to_first_byte_milliseconds_count 1
            llm_tokens_total{type="input",source="reported"} 12
        "#;
        rig.expect("openai", "embedding", expected).await;
    });
}

#[test]
fn anthropic_answer_and_stream() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        let script = "input=100; cached=60; cache_write=30; output=6; reasoning=2";
        let answer = rig.ask(Protocol::Http1, messages("anthropic-answer", false, script)).await;
        assert_eq!(answer.status, 200);
        let expected = r#"
            llm_requests_total{operation="chat",status="success",error="none"} 1
            llm_request_duration_milliseconds_count{operation="chat"} 1
            llm_time_to_first_byte_milliseconds_count 1
            llm_tokens_total{type="input",source="reported"} 100
            llm_tokens_total{type="output",source="reported"} 6
            llm_token_details_total{type="cached_input"} 60
            llm_token_details_total{type="cache_write"} 30
        "#;
        rig.expect("anthropic", "anthropic-answer", expected).await;

        let answer = rig.ask(Protocol::Http1, messages("anthropic-stream", true, script)).await;
        assert_eq!(answer.status, 200);
        let streamed = r#"
            llm_time_to_first_token_milliseconds_count 1
            llm_time_to_first_answer_milliseconds_count 1
            llm_time_per_output_token_microseconds_count 1
        "#;
        rig.expect("anthropic", "anthropic-stream", &format!("{expected}{streamed}")).await;
    });
}

#[test]
fn http2_on_both_sides() {
    run(async {
        let rig = Rig::shared(Setup::Http2).await;
        for (protocol, model) in [(Protocol::Http2, "h2-h2"), (Protocol::Http1, "h1-h2")] {
            let answer = rig.ask(protocol, chat(model, false, "input=30; output=9")).await;
            assert_eq!((answer.status, answer.end.clone()), (200, End::Complete));
            let answer = rig.ask(protocol, chat(model, true, "input=31; output=10")).await;
            assert_eq!((answer.status, answer.end.clone()), (200, End::Complete));
            rig.expect("openai", model, TWO_ANSWERS).await;
        }
    });
}

#[test]
fn http2_to_envoy_only() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        rig.ask(Protocol::Http2, chat("h2-h1", false, "input=30; output=9")).await;
        rig.ask(Protocol::Http2, chat("h2-h1", true, "input=31; output=10")).await;
        rig.expect("openai", "h2-h1", TWO_ANSWERS).await;
    });
}

/// The series of an answer of 30 and 9 tokens and a stream of 31 and 10.
const TWO_ANSWERS: &str = r#"
    llm_requests_total{operation="chat",status="success",error="none"} 2
    llm_request_duration_milliseconds_count{operation="chat"} 2
    llm_time_to_first_byte_milliseconds_count 2
    llm_time_to_first_token_milliseconds_count 1
    llm_time_to_first_answer_milliseconds_count 1
    llm_time_per_output_token_microseconds_count 1
    llm_tokens_total{type="input",source="reported"} 61
    llm_tokens_total{type="output",source="reported"} 19
"#;

/// Errors of providers: status and error label.
const ERRORS: [(u16, &str); 6] = [
    (400, "invalid_request"),
    (401, "authentication"),
    (404, "not_found"),
    (429, "rate_limited"),
    (500, "server_error"),
    (529, "overloaded"),
];

#[test]
fn errors_of_the_provider() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        for (status, error) in ERRORS {
            let script = format!("status={status}; retry_after=7");
            for (provider, stream) in [("openai", true), ("anthropic", false)] {
                let model = format!("{provider}-{status}");
                let request =
                    if stream { chat(&model, true, &script) } else { messages(&model, false, &script) };
                let answer = rig.ask(Protocol::Http1, request).await;
                assert_eq!((answer.status, answer.header("retry-after")), (status, "7"));
                let expected = format!(
                    r#"
                    llm_requests_total{{operation="chat",status="error",error="{error}"}} 1
                    llm_request_duration_milliseconds_count{{operation="chat"}} 1
                    llm_time_to_first_byte_milliseconds_count 1
                    "#
                );
                rig.expect(provider, &model, &expected).await;
            }
        }
    });
}

#[test]
fn error_inside_a_stream() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        let answer = rig.ask(Protocol::Http1, chat("openai-inside", true, "error_after=2")).await;
        assert_eq!((answer.status, answer.end.clone()), (200, End::Complete));
        let expected = r#"
            llm_requests_total{operation="chat",status="error",error="in_stream"} 1
            llm_request_duration_milliseconds_count{operation="chat"} 1
            llm_time_to_first_byte_milliseconds_count 1
            llm_time_to_first_token_milliseconds_count 1
            llm_time_to_first_answer_milliseconds_count 1
            llm_usage_missing_total{reason="not_sent"} 1
        "#;
        rig.expect("openai", "openai-inside", expected).await;

        // Anthropic reports the input at the start, and that there is at least one output token.
        let answer = rig.ask(Protocol::Http1, messages("anthropic-inside", true, "error_after=2")).await;
        assert_eq!((answer.status, answer.end.clone()), (200, End::Complete));
        let expected = r#"
            llm_requests_total{operation="chat",status="error",error="in_stream"} 1
            llm_request_duration_milliseconds_count{operation="chat"} 1
            llm_time_to_first_byte_milliseconds_count 1
            llm_time_to_first_token_milliseconds_count 1
            llm_time_to_first_answer_milliseconds_count 1
            llm_tokens_total{type="input",source="reported"} 12
            llm_tokens_total{type="output",source="reported"} 1
            llm_usage_missing_total{reason="not_sent"} 1
        "#;
        rig.expect("anthropic", "anthropic-inside", expected).await;
    });
}

/// The series of one answer of 12 and 8 tokens.
const ONE_ANSWER: &str = r#"
    llm_requests_total{operation="chat",status="success",error="none"} 1
    llm_request_duration_milliseconds_count{operation="chat"} 1
    llm_time_to_first_byte_milliseconds_count 1
    llm_tokens_total{type="input",source="reported"} 12
    llm_tokens_total{type="output",source="reported"} 8
"#;

/// Model names and their label values: whatever Envoy's tag rules might match in a name, the label is either the name
/// itself, or has only the characters replaced that would end it early.
#[test]
fn odd_model_names_stay_one_label() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        let long = "long-".repeat(60);
        for (model, label) in [
            ("deepseek/deepseek-r1:free", "deepseek/deepseek-r1:free"),
            ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x-v2:0", "us.x-v2:0"),
            ("cluster.upstream.grpc.m_rq_503", ""),
            ("listener.0.0.0.0_80.http.x.rds.y", ""),
            ("модель-日本-🦀", ""),
            ("quote\"back\\slash {x}|y=z,le=\"1\"", ""),
            ("provider=.=evil", "provider=_=evil"),
            ("cut;.;.type=.=evil;.;", "cut;_;_type=_=evil;_;"),
            ("line\nbreak", "line_break"),
            (&long, &long[..128]),
        ] {
            let label = if label.is_empty() { model } else { label };
            let answer = rig.ask(Protocol::Http1, chat(model, false, "")).await;
            assert_eq!(answer.status, 200);
            rig.expect("openai", label, ONE_ANSWER).await;
        }
    });
}

/// Envoy drops dots from the end of a label's value. Two names that differ only there would be two series with the same
/// labels, of which Prometheus takes one, so the filter must not emit a name that ends with a dot.
#[test]
fn model_names_that_end_with_dots_stay_apart() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        for (model, label) in [("dots", "dots"), ("dots.", "dots_"), ("dots..", "dots._")] {
            rig.ask(Protocol::Http1, chat(model, false, "")).await;
            rig.expect("openai", label, ONE_ANSWER).await;
        }
    });
}

#[test]
fn large_bodies_pass_and_are_read() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        // The model follows three megabytes of prompt, which is more than Envoy would buffer.
        let body =
            json!({"messages": [{"role": "user", "content": "word ".repeat(600_000)}], "model": "large"});
        for (protocol, script) in [(Protocol::Http1, "output=50000"), (Protocol::Http2, "output=50000")] {
            let request = Request::post("/v1/chat/completions", &body).header(script::HEADER, script);
            let answer = rig.ask(protocol, request).await;
            assert_eq!((answer.status, answer.end.clone()), (200, End::Complete));
            assert!(answer.body.len() > 256 * 1024, "{}", answer.body.len());
        }
        let expected = r#"
            llm_requests_total{operation="chat",status="success",error="none"} 2
            llm_request_duration_milliseconds_count{operation="chat"} 2
            llm_time_to_first_byte_milliseconds_count 2
            llm_tokens_total{type="input",source="reported"} 24
            llm_tokens_total{type="output",source="reported"} 100000
        "#;
        rig.expect("openai", "large", expected).await;
    });
}

#[test]
fn odd_headers_pass_and_disturb_nothing() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        for odd in ["latin1", "many", "untyped", "upper"] {
            for stream in [false, true] {
                let answer = rig.ask(Protocol::Http1, chat("odd", stream, &format!("odd={odd}"))).await;
                assert_eq!(answer.status, 200, "{odd}");
                if odd == "latin1" {
                    assert_eq!(answer.headers["x-odd"].as_bytes(), b"caf\xe9");
                }
            }
        }
        let expected = r#"
            llm_requests_total{operation="chat",status="success",error="none"} 8
            llm_request_duration_milliseconds_count{operation="chat"} 8
            llm_time_to_first_byte_milliseconds_count 8
            llm_time_to_first_token_milliseconds_count 4
            llm_time_to_first_answer_milliseconds_count 4
            llm_time_per_output_token_microseconds_count 4
            llm_tokens_total{type="input",source="reported"} 96
            llm_tokens_total{type="output",source="reported"} 64
        "#;
        rig.expect("openai", "odd", expected).await;
    });
}

#[test]
fn other_traffic_is_not_metered() {
    run(async {
        let rig = Rig::shared(Setup::Plain).await;
        let request =
            Request::post("/v1/files", &json!({"model": "unmetered"})).header(script::HEADER, "output=1");
        let answer = rig.send(Protocol::Http1, request).await.finish().await;
        assert_eq!(answer.status, 400, "the provider does not know the endpoint");
        assert_eq!(answer.header("x-llm-request-id"), "");
        let seen = rig.ask(Protocol::Http1, chat("metered", false, "")).await;
        assert_eq!(seen.status, 200);
        let stats = rig.expect("openai", "metered", ONE_ANSWER).await;
        assert_eq!(stats.sum("llm_requests_total", &[("model", "unmetered")]), 0.0);
    });
}
