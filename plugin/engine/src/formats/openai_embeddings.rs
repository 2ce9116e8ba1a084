//! OpenAI embeddings (<https://platform.openai.com/docs/api-reference/embeddings>): input only, one choice a vector.

use super::{BLANK, Choices, ERRORS, Format, Operation, ResponseField, Rule};
use crate::usage::Count;

/// `POST /v1/embeddings`, and Voyage's `/v1/multimodalembeddings`.
pub const FORMAT: Format = Format {
    name: "openai_embeddings",
    operation: Operation::Embeddings,
    claims: &["*/embeddings", "*/multimodalembeddings"],
    model_in_path: &[("/deployments/", "/")],
    request: &[super::MODEL, super::INPUTS],
    response: &[
        &[
            Rule::at("id", ResponseField::Id),
            Rule::at("model", ResponseField::Model),
            Rule::at("data[]", ResponseField::Item),
            Rule::at("usage.prompt_tokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.total_tokens", ResponseField::Usage(Count::Total)),
        ],
        ERRORS,
        super::FLAT_ERRORS,
    ],
    kind: "object",
    choices: Choices::Counted,
    total_is_input: true,
    ..BLANK
};
