//! Anthropic's older text completions (<https://docs.claude.com/en/api/complete>): no usage is ever sent.

use super::{BLANK, Field, Format, Operation, Rule};

/// `POST /v1/complete`
pub const FORMAT: Format = Format {
    name: "anthropic_complete",
    provider: "anthropic",
    operation: Operation::TextCompletion,
    claims: &["*/v1/complete"],
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
    ..BLANK
};
