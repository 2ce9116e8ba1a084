//! OpenAI chat completions, spoken by most providers.
//!
//! Usage: `usage`, in streams only on request and then in a last chunk (<https://platform.openai.com/docs/api-reference/chat>).
//! `prompt_tokens` has cached and audio tokens in it, `completion_tokens` has reasoning in it; the total is their sum.

use super::{Choices, Field, Format, Operation, REQUEST, Rule};
use crate::usage::{Count, Merge};

/// `POST /v1/chat/completions`
pub const FORMAT: Format = Format {
    name: "openai_chat",
    provider: "openai_compatible",
    operation: Operation::Chat,
    claims: &["/chat/completions"],
    request: REQUEST,
    response: &[
        Rule::at("id", Field::Id),
        Rule::at("model", Field::Model),
        Rule::at("choices[]", Field::Choice),
        Rule::at("choices[].index", Field::ChoiceIndex),
        Rule::at("choices[].finish_reason", Field::Finish),
        Rule::at("choices[].delta.content", Field::Text),
        Rule::at("choices[].delta.reasoning", Field::Generated),
        Rule::at("choices[].delta.reasoning_content", Field::Generated),
        Rule::at("choices[].delta.refusal", Field::Generated),
        Rule::at("choices[].delta.tool_calls[].function.arguments", Field::Generated),
        Rule::at("choices[].delta.function_call.arguments", Field::Generated),
        // The name comes once a call, the id may be left out or repeated.
        Rule::at("choices[].delta.tool_calls[].function.name", Field::ToolCall),
        Rule::at("choices[].delta.function_call.name", Field::ToolCall),
        Rule::at("choices[].message.tool_calls[]", Field::ToolCall),
        Rule::at("choices[].message.function_call", Field::ToolCall),
        Rule::at("usage.prompt_tokens", Field::Usage(Count::Input)),
        Rule::at("usage.completion_tokens", Field::Usage(Count::Output)),
        Rule::at("usage.total_tokens", Field::Usage(Count::Total)),
        Rule::at("usage.prompt_tokens_details.cached_tokens", Field::Usage(Count::CacheRead)),
        Rule::at("usage.prompt_tokens_details.cache_write_tokens", Field::Usage(Count::CacheWrite)),
        Rule::at("usage.prompt_tokens_details.audio_tokens", Field::Usage(Count::AudioInput)),
        Rule::at("usage.completion_tokens_details.reasoning_tokens", Field::Usage(Count::Reasoning)),
        Rule::at("usage.completion_tokens_details.audio_tokens", Field::Usage(Count::AudioOutput)),
        Rule::at("error", Field::Error),
        Rule::at("error.type", Field::ErrorType),
        Rule::at("error.code", Field::ErrorCode),
    ],
    merge: Merge::Fields,
    input_tokens: &[Count::Input],
    output_tokens: &[Count::Output],
    choices: Choices::Counted,
    has_tools: true,
    has_usage: true,
};
