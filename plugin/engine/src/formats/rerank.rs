//! Rerankers: Cohere's (<https://docs.cohere.com/reference/rerank>), and those of Voyage, llama.cpp, vLLM and OpenRouter,
//! whose usage is a total of input tokens. Cohere bills searches and tells no tokens.

use super::{BLANK, ERRORS, Field, Format, Operation, Rule};
use crate::usage::Count;

/// `POST /v1/rerank` and `/v2/rerank`
pub const FORMAT: Format = Format {
    name: "rerank",
    operation: Operation::Rerank,
    claims: &["*/rerank", "*/reranking"],
    response: &[
        &[
            Rule::at("id", Field::Id),
            Rule::at("model", Field::Model),
            Rule::at("usage.prompt_tokens", Field::Usage(Count::Input)),
            Rule::at("usage.total_tokens", Field::Usage(Count::Total)),
            Rule::at("meta.billed_units.input_tokens", Field::Metered(Count::Input)),
        ],
        ERRORS,
    ],
    input_tokens: &[Count::Input],
    has_usage: false,
    total_is_input: true,
    ..BLANK
};
