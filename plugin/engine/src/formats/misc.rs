//! Formats that one small provider each speaks.

use super::{BLANK, ERRORS, Field, Format, Operation, Rule};
use crate::usage::Count;

/// Aleph Alpha's `POST /complete` (<https://docs.aleph-alpha.com/api/complete/>).
pub const ALEPH_ALPHA: Format = Format {
    name: "aleph_alpha_complete",
    provider: "aleph-alpha",
    operation: Operation::TextCompletion,
    claims: &["api.aleph-alpha.com*/complete"],
    request: &[super::ASKED, &[Rule::at("prompt", Field::Text)]],
    response: &[
        &[
            Rule::at("completions[].completion", Field::Whole),
            Rule::at("model_version", Field::Model),
            Rule::at("completions[].finish_reason", Field::Finish),
            Rule::at("num_tokens_prompt_total", Field::Usage(Count::Input)),
            Rule::at("num_tokens_generated", Field::Usage(Count::Output)),
        ],
        ERRORS,
    ],
    ..BLANK
};

/// Replicate's `POST /v1/predictions` (<https://replicate.com/docs/reference/http>): the answer is fetched later.
pub const REPLICATE: Format = Format {
    name: "replicate_predictions",
    provider: "replicate",
    operation: Operation::TextCompletion,
    claims: &["api.replicate.com*/predictions"],
    response: &[ERRORS],
    has_usage: false,
    ..BLANK
};
