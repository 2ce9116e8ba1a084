//! Anthropic's older text completions (<https://docs.claude.com/en/api/complete>): no usage is ever sent.

use super::anthropic_messages::OWN_ERROR_TYPES;
use super::{BLANK, ERROR_TYPES, ERRORS, Format, Operation, RequestField, ResponseField, Rule};

/// `POST /v1/complete`
pub const FORMAT: Format = Format {
    name: "anthropic_complete",
    provider: "anthropic",
    operation: Operation::TextCompletion,
    claims: &["*/v1/complete"],
    request: &[super::MODEL, &[Rule::at("prompt", RequestField::Text)]],
    response: &[
        &[
            Rule::at("id", ResponseField::Id),
            Rule::at("model", ResponseField::Model),
            Rule::at("stop_reason", ResponseField::Finish),
            Rule::at("completion", ResponseField::Text),
        ],
        ERRORS,
    ],
    error_types: &[ERROR_TYPES, OWN_ERROR_TYPES],
    ..BLANK
};
