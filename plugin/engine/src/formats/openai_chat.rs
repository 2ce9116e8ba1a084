//! OpenAI chat completions, spoken by most providers.
//!
//! Usage: `usage`, in streams only on request and then in a last chunk (<https://platform.openai.com/docs/api-reference/chat>).
//! `prompt_tokens` has cached and audio tokens in it, `completion_tokens` has reasoning in it; the total is their sum.
//! Where a provider's total is larger by just its reasoning (xAI) or its audio (Mistral), it leaves them out of
//! the other numbers, and they are added: [`Usage::inclusive`](crate::usage::Usage::inclusive).
//! Perplexity sends its usage with every chunk; the last one is the whole.

use super::{BLANK, Choices, ERRORS, Field, Format, Operation, Rule, Tools};
use crate::usage::Count;

/// What is read of every answer, Bedrock's included.
pub(super) const RESPONSE: &[Rule] = &[
    Rule::at("id", Field::Id),
    Rule::at("model", Field::Model),
    Rule::at("choices[]", Field::Choice),
    Rule::at("choices[].index", Field::ChoiceIndex),
    Rule::at("choices[].finish_reason", Field::Finish),
    Rule::at("choices[].delta.content", Field::Text),
    // Mistral's parts: of text, and of thinking made of text.
    Rule::at("choices[].delta.content[].text", Field::Text),
    Rule::at("choices[].delta.content[].thinking[].text", Field::Generated),
    Rule::at("choices[].delta.reasoning", Field::Generated),
    Rule::at("choices[].delta.reasoning_content", Field::Generated),
    Rule::at("choices[].delta.reasoning_details[].text", Field::Repeated),
    Rule::at("choices[].delta.refusal", Field::Refusal),
    Rule::at("choices[].delta.tool_calls[].function.arguments", Field::Generated),
    Rule::at("choices[].delta.function_call.arguments", Field::Generated),
    // The name comes once a call, the id may be left out or repeated.
    Rule::at("choices[].delta.tool_calls[].function.name", Field::ToolCall),
    Rule::at("choices[].delta.function_call.name", Field::ToolCall),
    Rule::at("choices[].message.tool_calls[]", Field::WholeToolCall),
    Rule::at("choices[].message.function_call", Field::WholeToolCall),
    Rule::at("usage.prompt_tokens", Field::Usage(Count::Input)),
    Rule::at("usage.completion_tokens", Field::Usage(Count::Output)),
    Rule::at("usage.total_tokens", Field::Usage(Count::Total)),
    Rule::at("usage.cached_tokens", Field::Usage(Count::CacheRead)),
    Rule::at("usage.num_cached_tokens", Field::Usage(Count::CacheRead)),
    Rule::at("usage.cache_creation_input_tokens", Field::Usage(Count::CacheWrite)),
    Rule::at("usage.reasoning_tokens", Field::Usage(Count::Reasoning)),
    Rule::at("usage.prompt_cache_hit_tokens", Field::Usage(Count::CacheRead)),
    Rule::at("usage.prompt_tokens_details.cached_tokens", Field::Usage(Count::CacheRead)),
    Rule::at("usage.prompt_tokens_details.cache_write_tokens", Field::Usage(Count::CacheWrite)),
    Rule::at("usage.prompt_tokens_details.audio_tokens", Field::Usage(Count::AudioInput)),
    Rule::at("usage.completion_tokens_details.reasoning_tokens", Field::Usage(Count::Reasoning)),
    Rule::at("usage.completion_tokens_details.audio_tokens", Field::Usage(Count::AudioOutput)),
    Rule::at("usage.prompt_tokens_details.image_tokens", Field::Usage(Count::ImageInput)),
    Rule::at("usage.prompt_tokens_details.video_tokens", Field::Usage(Count::VideoInput)),
    Rule::at("usage.completion_tokens_details.image_tokens", Field::Usage(Count::ImageOutput)),
    // Perplexity's sonar-deep-research.
    Rule::at("usage.citation_tokens", Field::Usage(Count::Citation)),
    // Groq's streams had it here before they had it above.
    Rule::at("x_groq.usage.prompt_tokens", Field::Usage(Count::Input)),
    Rule::at("x_groq.usage.completion_tokens", Field::Usage(Count::Output)),
    Rule::at("x_groq.usage.total_tokens", Field::Usage(Count::Total)),
    Rule::at("x_groq.usage.prompt_tokens_details.cached_tokens", Field::Usage(Count::CacheRead)),
    Rule::at("x_groq.usage.completion_tokens_details.reasoning_tokens", Field::Usage(Count::Reasoning)),
    Rule::at("usage.pydantic_ai_gateway", Field::Speaker("gateway")),
    Rule::at("usage.prompt_tokens_per_second", Field::Speaker("gpustack")),
    Rule::at("usage.avg_tok_per_sec", Field::Speaker("mistral.rs")),
    Rule::at("timings.predicted_n", Field::Speaker("llama.cpp")),
    Rule::only("system_fingerprint", "fp_ollama", Field::Speaker("ollama")),
    Rule::at("x_groq", Field::Speaker("groq")),
    Rule::at("choices[].stop_reason", Field::Speaker("vllm")),
];

/// What goes to the model.
pub(super) const PROMPT: &[Rule] = &[
    Rule::at("messages[]", Field::Turn),
    Rule::at("messages[].role", Field::Role),
    Rule::at("messages[].content", Field::Text),
    Rule::at("messages[].content[].text", Field::Text),
    Rule::at("messages[].tool_calls[].function.arguments", Field::Text),
    Rule::at("tools.**", Field::Schema),
    Rule::at("functions.**", Field::Schema),
    Rule::at("response_format.**", Field::Schema),
];

/// The text of whole answers.
pub(super) const WHOLE: &[Rule] = &[
    Rule::at("choices[].message.content", Field::Whole),
    Rule::at("choices[].message.content[].text", Field::Whole),
    Rule::at("choices[].message.refusal", Field::Refusal),
    Rule::at("choices[].message.reasoning", Field::WholeAside),
    Rule::at("choices[].message.reasoning_content", Field::WholeAside),
    Rule::at("choices[].message.tool_calls[].function.arguments", Field::WholeAside),
];

/// `POST /v1/chat/completions`
pub const FORMAT: Format = Format {
    name: "openai_chat",
    operation: Operation::Chat,
    claims: &["*/chat/completions", "api.writer.com*/v1/chat"],
    kind: "object",
    model_in_path: Some(("/deployments/", "/")),
    request: &[super::ASKED, PROMPT],
    response: &[RESPONSE, ERRORS, super::FLAT_ERRORS, WHOLE],
    choices: Choices::Counted,
    frame: super::CHAT_FRAME,
    tools: Tools::Always,
    asks_usage: Some(super::asking::STREAM_OPTIONS),
    ..BLANK
};
