//! OpenAI moderations (<https://platform.openai.com/docs/api-reference/moderations>): free, and without usage.

use super::{BLANK, ERRORS, Field, Format, Operation, Rule};

/// `POST /v1/moderations`
pub const FORMAT: Format = Format {
    name: "openai_moderations",
    operation: Operation::Moderation,
    claims: &["*/moderations"],
    response: &[&[Rule::at("id", Field::Id), Rule::at("model", Field::Model)], ERRORS],
    has_usage: false,
    ..BLANK
};
