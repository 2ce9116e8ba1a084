//! Text Generation Inference (<https://huggingface.github.io/text-generation-inference/>), bare or behind Hugging Face's
//! and SageMaker's endpoints.

use super::{BLANK, ERRORS, Field, Format, Operation, Rule};
use crate::usage::Count;

/// `POST /`, `/generate` and `/generate_stream`
pub const FORMAT: Format = Format {
    name: "tgi_generate",
    provider: "huggingface",
    operation: Operation::TextCompletion,
    claims: &[
        "*.endpoints.huggingface.cloud*/",
        "*.endpoints.huggingface.cloud*/generate",
        "*/generate_stream",
        "api-inference.huggingface.co*/models/*",
    ],
    request: &[&[Rule::at("inputs", Field::Text)]],
    response: &[
        &[
            Rule::at("error_type", Field::ErrorType),
            Rule::at("[].generated_text", Field::Whole),
            Rule::at("token.text", Field::Text),
            Rule::at("details.finish_reason", Field::Finish),
            Rule::at("details.generated_tokens", Field::Usage(Count::Output)),
            Rule::at("details.input_length", Field::Usage(Count::Input)),
            Rule::at("[].details.finish_reason", Field::Finish),
            Rule::at("[].details.generated_tokens", Field::Usage(Count::Output)),
        ],
        ERRORS,
    ],
    ..BLANK
};

/// `POST /endpoints/NAME/invocations` and `…/invocations-response-stream`: whatever the endpoint's container speaks,
/// mostly this. A container that speaks another format has to be named by the operator.
pub const SAGEMAKER: Format = Format {
    name: "sagemaker_invocations",
    provider: "aws.sagemaker",
    claims: &["*/endpoints/*/invocations", "*/endpoints/*/invocations-response-stream"],
    headers: &[super::bedrock_converse::ERROR_HEADER],
    has_usage: false,
    ..FORMAT
};
