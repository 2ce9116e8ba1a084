//! Inputs of the benches. They are generated, so that their true counts are known: a wrong count fails a bench.

use std::fmt::Write as _;
use std::rc::Rc;

use llm_gauge_engine::config::{Place, Policy};
use llm_gauge_engine::exchange::End;
use llm_gauge_engine::exchange::Exchange;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::record::Record;

/// One exchange to meter.
#[derive(Clone, Debug)]
pub struct Input {
    /// The name of the bench.
    pub name: &'static str,
    /// The path of the request.
    pub path: &'static str,
    /// The body of the request.
    pub request: Vec<u8>,
    /// The `content-type` of the response.
    pub content_type: &'static str,
    /// The body of the response.
    pub response: Vec<u8>,
    /// All output tokens, which the record must have; 0 for none.
    pub output_tokens: u64,
}

/// Returns every input.
pub fn inputs() -> Vec<Input> {
    vec![openai_unary(), openai_stream(500), anthropic_stream(500), openai_embeddings(64)]
}

/// Returns a short answer in one piece.
pub fn openai_unary() -> Input {
    Input {
        name: "openai_unary_1KB",
        path: "/v1/chat/completions",
        request: request(false, 2_000),
        content_type: "application/json",
        response: format!(
            r#"{{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-mini-2024-07-18","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":512,"completion_tokens":128,"total_tokens":640}}}}"#,
            "Word after word. ".repeat(50)
        )
        .into_bytes(),
        output_tokens: 128,
    }
}

/// Returns a stream of `tokens` chunks and one with the usage.
pub fn openai_stream(tokens: u64) -> Input {
    let mut response = String::new();
    let chunk = |response: &mut String, rest: &str| {
        let _infallible = write!(
            response,
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1751568164,\
             \"model\":\"gpt-4o-mini-2024-07-18\",\"system_fingerprint\":\"fp_1\",{rest}}}\n\n"
        );
    };
    for token in 0..tokens {
        let delta = format!(
            r#""choices":[{{"index":0,"delta":{{"content":" word{token}"}},"logprobs":null,"finish_reason":null}}],"usage":null"#
        );
        chunk(&mut response, &delta);
    }
    chunk(&mut response, r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null"#);
    let usage = format!(
        r#""choices":[],"usage":{{"prompt_tokens":512,"completion_tokens":{tokens},"total_tokens":{}}}"#,
        tokens + 512
    );
    chunk(&mut response, &usage);
    response.push_str("data: [DONE]\n\n");
    Input {
        name: "openai_stream_500",
        path: "/v1/chat/completions",
        request: request(true, 2_000),
        content_type: "text/event-stream",
        response: response.into_bytes(),
        output_tokens: tokens,
    }
}

/// Returns a stream of `tokens` text deltas.
pub fn anthropic_stream(tokens: u64) -> Input {
    let mut response = String::from(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-sonnet-4-5\",\
         \"content\":[],\"usage\":{\"input_tokens\":512,\"cache_read_input_tokens\":64,\"output_tokens\":1}}}\n\n",
    );
    for token in 0..tokens {
        let _infallible = write!(
            response,
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\
             \"delta\":{{\"type\":\"text_delta\",\"text\":\" word{token}\"}}}}\n\n"
        );
    }
    let _infallible = write!(
        response,
        "event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\"}},\
         \"usage\":{{\"output_tokens\":{tokens}}}}}\n\nevent: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
    );
    Input {
        name: "anthropic_stream_500",
        path: "/v1/messages",
        request: request(true, 2_000),
        content_type: "text/event-stream",
        response: response.into_bytes(),
        output_tokens: tokens,
    }
}

/// Returns `vectors` vectors of 1536 numbers.
pub fn openai_embeddings(vectors: usize) -> Input {
    let numbers: Vec<_> = (0..1536).map(|number| format!("0.0{number}")).collect();
    let vector = format!(r#"{{"object":"embedding","index":0,"embedding":[{}]}}"#, numbers.join(","));
    let data = vec![vector; vectors].join(",");
    Input {
        name: "openai_embeddings_64",
        path: "/v1/embeddings",
        request: br#"{"model":"text-embedding-3-small","input":["a"]}"#.to_vec(),
        content_type: "application/json",
        response: format!(
            r#"{{"object":"list","data":[{data}],"model":"text-embedding-3-small","usage":{{"prompt_tokens":640,"completion_tokens":0,"total_tokens":640}}}}"#
        )
        .into_bytes(),
        output_tokens: 0,
    }
}

fn request(stream: bool, words: usize) -> Vec<u8> {
    let text = "word ".repeat(words);
    let body = format!(
        r#"{{"messages":[{{"role":"user","content":"{text}"}}],"model":"gpt-4o-mini","stream":{stream}}}"#
    );
    body.into_bytes()
}

/// Meters the exchange, with its response cut after every `chunk` bytes.
pub fn meter(policy: &Rc<Policy>, input: &Input, chunk: usize) -> Option<Record> {
    let head = [
        (&b":method"[..], &b"POST"[..]),
        (b":path", input.path.as_bytes()),
        (b":authority", b"api.openai.com"),
        (b"content-type", b"application/json"),
    ];
    let mut exchange = Exchange::begin(policy, &Headers::new(head), &Place::default(), [7; 24], 0).ok()?;
    exchange.request_body(&input.request);
    exchange.request_end();
    let head = [(&b":status"[..], &b"200"[..]), (b"content-type", input.content_type.as_bytes())];
    exchange.response_head(&Headers::new(head));
    for piece in input.response.chunks(chunk) {
        exchange.response_body(piece, 1);
    }
    exchange.response_end();
    Some(exchange.finish(&End { code: Some(200), ..End::default() }, 2))
}
