//! Anthropic's older text completions (<https://docs.claude.com/en/api/complete>): no usage is ever sent.

use super::{BLANK, ERRORS, Field, Format, Operation, Rule};

/// `POST /v1/complete`
pub const FORMAT: Format = Format {
    name: "anthropic_complete",
    provider: "anthropic",
    operation: Operation::TextCompletion,
    claims: &["*/v1/complete"],
    request: &[super::ASKED, &[Rule::at("prompt", Field::Text)]],
    response: &[
        &[
            Rule::at("id", Field::Id),
            Rule::at("model", Field::Model),
            Rule::at("stop_reason", Field::Finish),
            Rule::at("completion", Field::Text),
        ],
        ERRORS,
    ],
    ..BLANK
};
