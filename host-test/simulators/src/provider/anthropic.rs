//! The wire format of Anthropic.

use serde_json::{Value, json};

use super::reply::{Piece, Reply, Stream, header, stream, text, unary, word};
use super::request::ProviderRequest;
use super::script::{Script, Tokens};

/// Returns the reply to a request of `/v1/messages`.
pub(super) fn reply(request: &ProviderRequest, script: &Script) -> Reply {
    let mut reply = match script.status {
        200 if request.stream => streamed(request, script),
        200 => unary(script, &answer(request, script), reported(script.tokens)),
        status => unary(script, &error(status), Tokens::default()),
    };
    reply.headers.push(header("request-id", "req_sim"));
    reply
}

/// Returns the error body for a status.
fn error(status: u16) -> Value {
    let (kind, message) = match status {
        400 => ("invalid_request_error", "max_tokens: Field required"),
        401 => ("authentication_error", "invalid x-api-key"),
        403 => ("permission_error", "Your API key does not have permission to use the specified resource."),
        404 => ("not_found_error", "model: not found"),
        413 => ("request_too_large", "Request exceeds the maximum size"),
        429 => ("rate_limit_error", "This request would exceed your organization's rate limit."),
        503 | 529 => ("overloaded_error", "Overloaded"),
        402..=499 => ("invalid_request_error", "The request is not valid."),
        _ => ("api_error", "Internal server error"),
    };
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_sim"})
}

/// Returns the usage object. Its `input_tokens` exclude tokens read from or written to the cache.
fn usage(tokens: Tokens) -> Value {
    json!({
        "input_tokens": tokens.input - tokens.cached - tokens.cache_write,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output,
    })
}

/// Returns the counts that the wire format can express: thinking tokens are part of the output and have no count.
fn reported(tokens: Tokens) -> Tokens {
    Tokens { reasoning: 0, ..tokens }
}

fn model<'a>(request: &'a ProviderRequest, script: &'a Script) -> &'a str {
    script.model.as_deref().unwrap_or(&request.model)
}

fn answer(request: &ProviderRequest, script: &Script) -> Value {
    let Tokens { output, reasoning, .. } = script.tokens;
    let mut content = vec![json!({"type": "text", "text": text(output - reasoning)})];
    if reasoning > 0 {
        content.insert(0, json!({"type": "thinking", "thinking": text(reasoning), "signature": "c2lt"}));
    }
    json!({
        "id": "msg_sim", "type": "message", "role": "assistant",
        "model": model(request, script), "content": content,
        "stop_reason": "end_turn", "stop_sequence": null, "usage": usage(script.tokens),
    })
}

fn streamed(request: &ProviderRequest, script: &Script) -> Reply {
    // The start event knows the input and reports one output token. The last delta reports the real output count.
    let start = Tokens { output: script.tokens.output.min(1), ..reported(script.tokens) };
    let message = json!({
        "id": "msg_sim", "type": "message", "role": "assistant", "model": model(request, script), "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage(start),
    });
    let thinking = script.tokens.reasoning > 0;
    let mut before = vec![event(&json!({"type": "message_start", "message": message})).reporting(start)];
    before.push(block_start(0, thinking));
    before.push(event(&json!({"type": "ping"})));
    let stop = json!({"stop_reason": "end_turn", "stop_sequence": null});
    let delta = json!({"type": "message_delta", "delta": stop, "usage": usage(script.tokens)});
    let after = vec![
        event(&json!({"type": "content_block_stop", "index": u8::from(thinking)})),
        event(&delta).reporting(reported(script.tokens)),
        event(&json!({"type": "message_stop"})),
    ];
    let error =
        event(&json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}));
    stream(script, Stream { before, tokens: tokens(script.tokens), after, error })
}

/// Returns thinking deltas, then text deltas. The first text also carries the change of block.
fn tokens(tokens: Tokens) -> Vec<Piece> {
    let Tokens { output, reasoning, .. } = tokens;
    let delta = |block: u8, delta: Value| {
        event(&json!({"type": "content_block_delta", "index": block, "delta": delta}))
    };
    let thinking =
        (0..reasoning).map(|index| delta(0, json!({"type": "thinking_delta", "thinking": word(index)})));
    let text = (0..output - reasoning).map(|index| {
        let text = delta(u8::from(reasoning > 0), json!({"type": "text_delta", "text": word(index)}));
        if index > 0 || reasoning == 0 {
            return text;
        }
        let stop = event(&json!({"type": "content_block_stop", "index": 0}));
        Piece::new([stop.bytes, block_start(1, false).bytes, text.bytes].concat())
    });
    thinking.chain(text).collect()
}

fn block_start(index: u8, thinking: bool) -> Piece {
    let block = if thinking {
        json!({"type": "thinking", "thinking": "", "signature": ""})
    } else {
        json!({"type": "text", "text": ""})
    };
    event(&json!({"type": "content_block_start", "index": index, "content_block": block}))
}

/// Returns a server-sent event named after its type.
fn event(data: &Value) -> Piece {
    Piece::new(format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default()))
}
