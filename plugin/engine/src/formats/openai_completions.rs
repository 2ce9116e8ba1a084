//! OpenAI text completions (<https://platform.openai.com/docs/api-reference/completions>): usage as in chat completions.

use super::{BLANK, Choices, ERRORS, Format, Operation, RequestField, ResponseField, Rule};
use crate::usage::Count;

/// `POST /v1/completions`
pub const FORMAT: Format = Format {
    name: "openai_completions",
    operation: Operation::TextCompletion,
    claims: &["*/completions"],
    model_in_path: &[("/deployments/", "/")],
    request: &[
        super::MODEL,
        &[Rule::at("prompt", RequestField::Text), Rule::at("prompt[]", RequestField::Text)],
    ],
    response: &[
        &[
            Rule::at("id", ResponseField::Id),
            Rule::at("model", ResponseField::Model),
            Rule::at("choices[]", ResponseField::Choice),
            Rule::at("choices[].index", ResponseField::ChoiceIndex),
            Rule::at("choices[].finish_reason", ResponseField::Finish),
            Rule::at("choices[].text", ResponseField::Text),
            // Mistral's fill-in-the-middle streams as chats do.
            Rule::at("choices[].delta.content", ResponseField::Text),
            // Writer's events hold this and nothing else.
            Rule::at("value", ResponseField::Text),
            Rule::at("usage.prompt_tokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.completion_tokens", ResponseField::Usage(Count::Output)),
            Rule::at("usage.total_tokens", ResponseField::Usage(Count::Total)),
            Rule::at("usage.prompt_tokens_details.cached_tokens", ResponseField::Usage(Count::CacheRead)),
            Rule::at(
                "usage.completion_tokens_details.reasoning_tokens",
                ResponseField::Usage(Count::Reasoning),
            ),
            Rule::at("choices[].stop_reason", ResponseField::Speaker("vllm")),
            Rule::at("timings.predicted_n", ResponseField::Speaker("llama.cpp")),
        ],
        ERRORS,
        super::FLAT_ERRORS,
    ],
    kind: "object",
    choices: Choices::Counted,
    include_usage: Some(super::include_usage::STREAM_OPTIONS),
    ..BLANK
};
