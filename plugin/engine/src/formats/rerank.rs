//! Rerankers: Cohere's (<https://docs.cohere.com/reference/rerank>), and those of Voyage, llama.cpp, vLLM and OpenRouter,
//! whose usage is a total of input tokens. Cohere bills searches and reports no tokens.

use super::{BLANK, ERRORS, Format, Operation, ResponseField, Rule};
use crate::usage::Count;

/// `POST /v1/rerank` and `/v2/rerank`
pub const FORMAT: Format = Format {
    name: "rerank",
    operation: Operation::Rerank,
    claims: &["*/rerank", "*/reranking"],
    response: &[
        &[
            Rule::at("id", ResponseField::Id),
            Rule::at("model", ResponseField::Model),
            Rule::at("usage.prompt_tokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.total_tokens", ResponseField::Usage(Count::Total)),
            Rule::at("meta.billed_units.input_tokens", ResponseField::Metered(Count::Input)),
        ],
        ERRORS,
    ],
    input_tokens: &[Count::Input],
    has_usage: false,
    total_is_input: true,
    ..BLANK
};
