//! The wire format of OpenAI.

use serde_json::{Value, json};

use super::reply::{Piece, Reply, Stream, header, stream, text, unary, word};
use super::request::{Endpoint, ProviderRequest};
use super::script::{ReportUsage, Script, Tokens};

/// A fixed time in 2025, so that equal requests get equal answers.
const CREATED: u64 = 1_750_000_000;

/// Returns the reply to a request of one of OpenAI's endpoints.
pub(super) fn reply(request: &ProviderRequest, script: &Script) -> Reply {
    let mut reply = match request {
        _ if script.status != 200 => unary(script, &error(script.status), Tokens::default()),
        ProviderRequest { endpoint: Endpoint::Embeddings, .. } => embeddings(request, script),
        ProviderRequest { stream: true, .. } => streamed(request, script),
        _ => unary(script, &answer(request, script), reported(script.tokens)),
    };
    reply.headers.push(header("openai-processing-ms", "5"));
    reply.headers.push(header("x-request-id", "req_sim"));
    reply
}

/// Returns the error body for a status.
fn error(status: u16) -> Value {
    let (kind, code, message) = match status {
        401 => ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-sim."),
        403 => ("invalid_request_error", "unsupported_country_region_territory", "Country not supported."),
        404 => (
            "invalid_request_error",
            "model_not_found",
            "The model does not exist or you do not have access to it.",
        ),
        429 => ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
        400..=499 => ("invalid_request_error", "invalid_value", "The request is not valid."),
        503 => ("server_error", "overloaded", "The server is overloaded or not ready yet."),
        _ => ("server_error", "internal_error", "The server had an error while processing your request."),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

fn usage(request: &ProviderRequest, tokens: Tokens) -> Value {
    let Tokens { input, output, cached, cache_write: _, reasoning } = tokens;
    if request.endpoint == Endpoint::Embeddings {
        return json!({"prompt_tokens": input, "total_tokens": input});
    }
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input + output,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}

/// Returns the counts that the wire format can express: OpenAI has no field for cache writes.
fn reported(tokens: Tokens) -> Tokens {
    Tokens { cache_write: 0, ..tokens }
}

fn model<'a>(request: &'a ProviderRequest, script: &'a Script) -> &'a str {
    script.model.as_deref().unwrap_or(&request.model)
}

fn answer(request: &ProviderRequest, script: &Script) -> Value {
    let text = text(script.tokens.output - script.tokens.reasoning);
    let (id, object, choice) = match request.endpoint {
        Endpoint::Completions => (
            "cmpl-sim",
            "text_completion",
            json!({"index": 0, "text": text, "logprobs": null, "finish_reason": "stop"}),
        ),
        _ => {
            let message = json!({"role": "assistant", "content": text, "refusal": null, "annotations": []});
            (
                "chatcmpl-sim",
                "chat.completion",
                json!({"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"}),
            )
        }
    };
    json!({
        "id": id, "object": object, "created": CREATED, "model": model(request, script), "choices": [choice],
        "usage": usage(request, script.tokens), "service_tier": "default", "system_fingerprint": "fp_sim",
    })
}

fn embeddings(request: &ProviderRequest, script: &Script) -> Reply {
    let body = json!({
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.0123, -0.25, 0.5, 1e-7]}],
        "model": model(request, script),
        "usage": usage(request, script.tokens),
    });
    unary(script, &body, Tokens { input: script.tokens.input, ..Tokens::default() })
}

fn streamed(request: &ProviderRequest, script: &Script) -> Reply {
    let report = match script.usage {
        ReportUsage::Asked => request.include_usage,
        ReportUsage::Never => false,
        ReportUsage::Always => true,
    };
    let chunk = |choices: Value, usage: Value| {
        let completion = request.endpoint == Endpoint::Completions;
        let mut chunk = json!({
            "id": if completion { "cmpl-sim" } else { "chatcmpl-sim" },
            "object": if completion { "text_completion" } else { "chat.completion.chunk" },
            "created": CREATED, "model": model(request, script), "system_fingerprint": "fp_sim",
            "choices": choices,
        });
        // If usage was requested, it is in every chunk: null in all but the last.
        if report && let Some(chunk) = chunk.as_object_mut() {
            chunk.insert("usage".into(), usage);
        }
        Piece::new(format!("data: {chunk}\n\n"))
    };
    let choice = |delta: Value, finish: Value| {
        let mut choice = json!({"index": 0, "logprobs": null, "finish_reason": finish});
        match request.endpoint {
            Endpoint::Completions => choice["text"] = json!(delta["content"].as_str().unwrap_or_default()),
            _ => choice["delta"] = delta,
        }
        json!([choice])
    };
    let token = |index| chunk(choice(json!({"content": word(index)}), Value::Null), Value::Null);
    let first = json!({"role": "assistant", "content": "", "refusal": null});
    let mut after = vec![chunk(choice(json!({}), json!("stop")), Value::Null)];
    if report {
        after.push(chunk(json!([]), usage(request, script.tokens)).reporting(reported(script.tokens)));
    }
    after.push(Piece::new("data: [DONE]\n\n"));
    stream(
        script,
        Stream {
            before: vec![chunk(choice(first, Value::Null), Value::Null)],
            tokens: (0..script.tokens.output - script.tokens.reasoning).map(token).collect(),
            after,
            error: Piece::new(format!("data: {}\n\n", error(500))),
        },
    )
}
