//! Aleph Alpha (<https://docs.aleph-alpha.com/api/complete/>).

use super::{BLANK, ERRORS, Format, MODEL, Operation, RequestField, ResponseField, Rule};
use crate::usage::Count;

/// `POST /complete`
pub const FORMAT: Format = Format {
    name: "aleph_alpha_complete",
    provider: "aleph-alpha",
    operation: Operation::TextCompletion,
    claims: &["api.aleph-alpha.com*/complete"],
    request: &[MODEL, &[Rule::at("prompt", RequestField::Text)]],
    response: &[
        &[
            Rule::at("completions[].completion", ResponseField::Whole),
            Rule::at("model_version", ResponseField::Model),
            Rule::at("completions[].finish_reason", ResponseField::Finish),
            Rule::at("num_tokens_prompt_total", ResponseField::Usage(Count::Input)),
            Rule::at("num_tokens_generated", ResponseField::Usage(Count::Output)),
        ],
        ERRORS,
    ],
    ..BLANK
};
