//! IBM watsonx.ai text generation (<https://cloud.ibm.com/apidocs/watsonx-ai#text-generation>).
//!
//! The model is named in the body; streams count the input once and the output so far with every event.

use super::{BLANK, ERRORS, Field, Format, Operation, Rule};
use crate::usage::{Count, Merge};

/// `POST /ml/v1/text/generation`, `/text/generation_stream`, and the beta's paths.
pub const FORMAT: Format = Format {
    name: "watsonx_generation",
    provider: "ibm.watsonx.ai",
    operation: Operation::TextCompletion,
    claims: &[
        "*/text/generation",
        "*/text/generation_stream",
        "*/generation/text",
        "*/generation/text_stream",
    ],
    request: &[&[Rule::at("model_id", Field::Model), Rule::at("input", Field::Text)]],
    response: &[
        &[
            Rule::at("errors[].code", Field::ErrorCode),
            Rule::at("model_id", Field::Model),
            Rule::at("results[].generated_text", Field::Text),
            Rule::at("results[].stop_reason", Field::Finish),
            Rule::at("results[].input_token_count", Field::Usage(Count::Input)),
            Rule::at("results[].generated_token_count", Field::Usage(Count::Output)),
        ],
        ERRORS,
    ],
    merge: Merge::Largest,
    ..BLANK
};
