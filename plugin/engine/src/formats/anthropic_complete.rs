//! Anthropic's older text completions (<https://docs.claude.com/en/api/complete>): no usage is ever sent.

use super::{Choices, Field, Format, Operation, REQUEST, Rule};
use crate::usage::{Count, Merge};

/// `POST /v1/complete`
pub const FORMAT: Format = Format {
    name: "anthropic_complete",
    provider: "anthropic",
    operation: Operation::TextCompletion,
    claims: &["/v1/complete"],
    request: REQUEST,
    response: &[
        Rule::at("id", Field::Id),
        Rule::at("model", Field::Model),
        Rule::at("stop_reason", Field::Finish),
        Rule::at("stop_reason", Field::Last),
        Rule::at("completion", Field::Text),
        Rule::at("error", Field::Error),
        Rule::at("error.type", Field::ErrorType),
        Rule::at("error.code", Field::ErrorCode),
    ],
    merge: Merge::Fields,
    input_tokens: &[Count::Input],
    output_tokens: &[Count::Output],
    choices: Choices::None,
    has_tools: false,
    has_usage: true,
};
