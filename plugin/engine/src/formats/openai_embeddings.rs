//! OpenAI embeddings (<https://platform.openai.com/docs/api-reference/embeddings>): input only, one choice a vector.

use super::{Choices, Field, Format, Operation, REQUEST, Rule};
use crate::usage::{Count, Merge};

/// `POST /v1/embeddings`
pub const FORMAT: Format = Format {
    name: "openai_embeddings",
    provider: "openai_compatible",
    operation: Operation::Embeddings,
    claims: &["/embeddings"],
    request: REQUEST,
    response: &[
        Rule::at("id", Field::Id),
        Rule::at("model", Field::Model),
        Rule::at("data[]", Field::Item),
        Rule::at("usage.prompt_tokens", Field::Usage(Count::Input)),
        Rule::at("usage.completion_tokens", Field::Usage(Count::Output)),
        Rule::at("usage.total_tokens", Field::Usage(Count::Total)),
        Rule::at("error", Field::Error),
        Rule::at("error.type", Field::ErrorType),
        Rule::at("error.code", Field::ErrorCode),
    ],
    merge: Merge::Fields,
    input_tokens: &[Count::Input],
    output_tokens: &[Count::Output],
    choices: Choices::Counted,
    has_tools: false,
    has_usage: true,
};
