//! OpenAI chat completions, spoken by most providers.
//!
//! Usage: `usage`, in streams only on request and then in a last chunk (<https://platform.openai.com/docs/api-reference/chat>).
//! `prompt_tokens` has cached and audio tokens in it, `completion_tokens` has reasoning in it; the total is their sum.
//! Where a provider's total is larger by just its reasoning (xAI) or its audio (Mistral), it leaves them out of
//! the other numbers, and they are added: [`Usage::inclusive`](crate::usage::Usage::inclusive).
//! Perplexity sends its usage with every chunk; the last one is the whole.

use super::{
    AlwaysReports, BLANK, Choices, ERRORS, Format, Operation, RequestField, RequestRule, ResponseField,
    ResponseRule, Rule, Tools,
};
use crate::price::{CostUnit, PriceTerm};
use crate::usage::Count;

/// The rules for every answer, also on Bedrock.
pub(super) const RESPONSE: &[ResponseRule] = &[
    Rule::at("id", ResponseField::Id),
    Rule::at("model", ResponseField::Model),
    Rule::at("choices[]", ResponseField::Choice),
    Rule::at("choices[].index", ResponseField::ChoiceIndex),
    Rule::at("choices[].finish_reason", ResponseField::Finish),
    Rule::at("choices[].delta.content", ResponseField::Text),
    // Mistral's parts: of text, and of thinking made of text.
    Rule::at("choices[].delta.content[].text", ResponseField::Text),
    Rule::at("choices[].delta.content[].thinking[].text", ResponseField::Generated),
    Rule::at("choices[].delta.reasoning", ResponseField::Generated),
    Rule::at("choices[].delta.reasoning_content", ResponseField::Generated),
    // GitHub Copilot.
    Rule::at("choices[].delta.reasoning_text", ResponseField::Generated),
    // LiteLLM, and servers that keep the model's own name.
    Rule::at("choices[].delta.thinking_blocks[].thinking", ResponseField::Repeated),
    Rule::at("choices[].delta.thinking", ResponseField::Generated),
    Rule::at("choices[].delta.audio.data", ResponseField::Generated),
    Rule::at("choices[].delta.audio.transcript", ResponseField::Generated),
    Rule::at("choices[].delta.tool_calls[].custom.input", ResponseField::Generated),
    Rule::at("choices[].delta.reasoning_details[].text", ResponseField::Repeated),
    Rule::at("choices[].delta.refusal", ResponseField::Refusal),
    Rule::at("choices[].delta.tool_calls[].function.arguments", ResponseField::Generated),
    Rule::at("choices[].delta.function_call.arguments", ResponseField::Generated),
    // The name and the id may come once a call, late, or with every piece.
    Rule::at("choices[].delta.tool_calls[].index", ResponseField::ToolIndex),
    Rule::at("choices[].delta.tool_calls[].id", ResponseField::ToolId),
    Rule::at("choices[].delta.tool_calls[].function.name", ResponseField::ToolName),
    Rule::at("choices[].delta.tool_calls[].custom.name", ResponseField::ToolName),
    Rule::at("choices[].delta.function_call.name", ResponseField::ToolCall),
    Rule::at("choices[].message.tool_calls[]", ResponseField::WholeToolCall),
    Rule::at("choices[].message.function_call", ResponseField::WholeToolCall),
    Rule::at("usage.prompt_tokens", ResponseField::Usage(Count::Input)),
    Rule::at("usage.completion_tokens", ResponseField::Usage(Count::Output)),
    Rule::at("usage.total_tokens", ResponseField::Usage(Count::Total)),
    Rule::at("usage.cached_tokens", ResponseField::Usage(Count::CacheRead)),
    Rule::at("usage.num_cached_tokens", ResponseField::Usage(Count::CacheRead)),
    Rule::at("usage.cache_creation_input_tokens", ResponseField::Usage(Count::CacheWrite)),
    Rule::at("usage.reasoning_tokens", ResponseField::Usage(Count::Reasoning)),
    Rule::at("usage.prompt_cache_hit_tokens", ResponseField::Usage(Count::CacheRead)),
    Rule::at("usage.prompt_tokens_details.cached_tokens", ResponseField::Usage(Count::CacheRead)),
    Rule::at("usage.prompt_tokens_details.cache_write_tokens", ResponseField::Usage(Count::CacheWrite)),
    Rule::at("usage.prompt_tokens_details.audio_tokens", ResponseField::Usage(Count::AudioInput)),
    Rule::at("usage.completion_tokens_details.reasoning_tokens", ResponseField::Usage(Count::Reasoning)),
    Rule::at("usage.completion_tokens_details.audio_tokens", ResponseField::Usage(Count::AudioOutput)),
    Rule::at("usage.prompt_tokens_details.image_tokens", ResponseField::Usage(Count::ImageInput)),
    Rule::at("usage.prompt_tokens_details.video_tokens", ResponseField::Usage(Count::VideoInput)),
    Rule::at("usage.completion_tokens_details.image_tokens", ResponseField::Usage(Count::ImageOutput)),
    // Perplexity's sonar-deep-research.
    Rule::at("usage.citation_tokens", ResponseField::Usage(Count::Citation)),
    // Moonshot's streams have it in the last choice.
    Rule::at("choices[].usage.prompt_tokens", ResponseField::Usage(Count::Input)),
    Rule::at("choices[].usage.completion_tokens", ResponseField::Usage(Count::Output)),
    Rule::at("choices[].usage.total_tokens", ResponseField::Usage(Count::Total)),
    Rule::at("choices[].usage.cached_tokens", ResponseField::Usage(Count::CacheRead)),
    // Groq's streams had it here before they had it above.
    Rule::at("x_groq.usage.prompt_tokens", ResponseField::Usage(Count::Input)),
    Rule::at("x_groq.usage.completion_tokens", ResponseField::Usage(Count::Output)),
    Rule::at("x_groq.usage.total_tokens", ResponseField::Usage(Count::Total)),
    Rule::at("x_groq.usage.prompt_tokens_details.cached_tokens", ResponseField::Usage(Count::CacheRead)),
    Rule::at(
        "x_groq.usage.completion_tokens_details.reasoning_tokens",
        ResponseField::Usage(Count::Reasoning),
    ),
    Rule::at("service_tier", ResponseField::PriceTerm(PriceTerm::Tier)),
    // OpenRouter's cost, in dollars (<https://openrouter.ai/docs/use-cases/usage-accounting>).
    Rule::at("usage.cost", ResponseField::StatedCost(CostUnit::Dollar)),
    // xAI's (<https://docs.x.ai/docs/key-information/consumption-and-rate-limits>).
    Rule::at("usage.cost_in_usd_ticks", ResponseField::StatedCost(CostUnit::Tick)),
    // Perplexity's (<https://docs.perplexity.ai/api-reference/chat-completions-post>).
    Rule::at("usage.cost.total_cost", ResponseField::StatedCost(CostUnit::Dollar)),
    Rule::at("usage.pydantic_ai_gateway", ResponseField::Speaker("gateway")),
    Rule::at("usage.prompt_tokens_per_second", ResponseField::Speaker("gpustack")),
    Rule::at("usage.avg_tok_per_sec", ResponseField::Speaker("mistral.rs")),
    Rule::at("timings.predicted_n", ResponseField::Speaker("llama.cpp")),
    Rule::only("system_fingerprint", "fp_ollama", ResponseField::Speaker("ollama")),
    Rule::at("x_groq", ResponseField::Speaker("groq")),
    Rule::at("choices[].stop_reason", ResponseField::Speaker("vllm")),
];

/// The rules for the prompt.
pub(super) const PROMPT: &[RequestRule] = &[
    Rule::at("messages[]", RequestField::Turn),
    Rule::at("messages[].role", RequestField::Role),
    Rule::at("messages[].content", RequestField::Text),
    Rule::at("messages[].content[].text", RequestField::Text),
    Rule::at("messages[].tool_calls[].function.arguments", RequestField::Text),
    Rule::at("tools.**", RequestField::Schema),
    Rule::at("functions.**", RequestField::Schema),
    Rule::at("response_format.**", RequestField::Schema),
];

/// The text of whole answers.
pub(super) const WHOLE: &[ResponseRule] = &[
    Rule::at("choices[].message.content", ResponseField::Whole),
    Rule::at("choices[].message.content[].text", ResponseField::Whole),
    Rule::at("choices[].message.refusal", ResponseField::Refusal),
    Rule::at("choices[].message.reasoning", ResponseField::WholeAside),
    Rule::at("choices[].message.reasoning_content", ResponseField::WholeAside),
    Rule::at("choices[].message.tool_calls[].function.arguments", ResponseField::WholeAside),
];

/// `POST /v1/chat/completions`
pub const FORMAT: Format = Format {
    name: "openai_chat",
    operation: Operation::Chat,
    claims: &[
        "*/chat/completions",
        "api.writer.com*/v1/chat",
        // Vertex AI: publishers other than Anthropic.
        "*/publishers/*/models/*:rawPredict",
        "*/publishers/*/models/*:streamRawPredict",
        // Databricks' model serving.
        "*/serving-endpoints/*/invocations",
        // Snowflake's Cortex.
        "*/cortex/inference:complete",
    ],
    kind: "object",
    model_in_path: &[("/deployments/", "/"), ("/serving-endpoints/", "/"), ("/models/", ":")],
    request: &[super::MODEL, PROMPT],
    response: &[RESPONSE, ERRORS, super::FLAT_ERRORS, WHOLE],
    choices: Choices::Counted,
    frame: super::CHAT_FRAME,
    tools: Tools::Always,
    include_usage: Some(super::include_usage::STREAM_OPTIONS),
    always_reports: AlwaysReports::Unary,
    ..BLANK
};
