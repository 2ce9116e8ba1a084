//! OpenAI moderations (<https://platform.openai.com/docs/api-reference/moderations>): free, and without usage. Mistral's
//! (<https://docs.mistral.ai/api/endpoint/classifiers>) has it.

use super::{BLANK, ERRORS, Format, Operation, ResponseField, Rule};
use crate::usage::Count;

/// `POST /v1/moderations`
pub const FORMAT: Format = Format {
    name: "openai_moderations",
    operation: Operation::Moderation,
    claims: &["*/moderations"],
    response: &[
        &[
            Rule::at("id", ResponseField::Id),
            Rule::at("model", ResponseField::Model),
            // Mistral's.
            Rule::at("usage.prompt_tokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.completion_tokens", ResponseField::Usage(Count::Output)),
            Rule::at("usage.total_tokens", ResponseField::Usage(Count::Total)),
        ],
        ERRORS,
    ],
    has_usage: false,
    ..BLANK
};
