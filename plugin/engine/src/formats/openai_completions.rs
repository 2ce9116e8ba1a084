//! OpenAI text completions (<https://platform.openai.com/docs/api-reference/completions>): usage as in chat completions.

use super::{BLANK, Choices, ERRORS, Field, Format, Operation, Rule};
use crate::usage::Count;

/// `POST /v1/completions`
pub const FORMAT: Format = Format {
    name: "openai_completions",
    operation: Operation::TextCompletion,
    claims: &["*/completions"],
    model_in_path: Some(("/deployments/", "/")),
    request: &[super::ASKED, &[Rule::at("prompt", Field::Text), Rule::at("prompt[]", Field::Text)]],
    response: &[
        &[
            Rule::at("id", Field::Id),
            Rule::at("model", Field::Model),
            Rule::at("choices[]", Field::Choice),
            Rule::at("choices[].index", Field::ChoiceIndex),
            Rule::at("choices[].finish_reason", Field::Finish),
            Rule::at("choices[].text", Field::Text),
            // Mistral's fill-in-the-middle streams as chats do.
            Rule::at("choices[].delta.content", Field::Text),
            // Writer's events hold this and nothing else.
            Rule::at("value", Field::Text),
            Rule::at("usage.prompt_tokens", Field::Usage(Count::Input)),
            Rule::at("usage.completion_tokens", Field::Usage(Count::Output)),
            Rule::at("usage.total_tokens", Field::Usage(Count::Total)),
            Rule::at("usage.prompt_tokens_details.cached_tokens", Field::Usage(Count::CacheRead)),
            Rule::at("usage.completion_tokens_details.reasoning_tokens", Field::Usage(Count::Reasoning)),
            Rule::at("choices[].stop_reason", Field::Speaker("vllm")),
            Rule::at("timings.predicted_n", Field::Speaker("llama.cpp")),
        ],
        ERRORS,
        super::FLAT_ERRORS,
    ],
    kind: "object",
    choices: Choices::Counted,
    asks_usage: Some(super::asking::STREAM_OPTIONS),
    ..BLANK
};
