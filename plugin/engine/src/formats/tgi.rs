//! Text Generation Inference (<https://huggingface.github.io/text-generation-inference/>), bare or behind Hugging Face's
//! and SageMaker's endpoints.

use super::{BLANK, ERRORS, Format, Operation, RequestField, ResponseField, Rule};
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
    request: &[&[Rule::at("inputs", RequestField::Text)]],
    response: &[
        &[
            Rule::at("error_type", ResponseField::ErrorType),
            Rule::at("[].generated_text", ResponseField::Whole),
            Rule::at("token.text", ResponseField::Text),
            Rule::at("details.finish_reason", ResponseField::Finish),
            Rule::at("details.generated_tokens", ResponseField::Usage(Count::Output)),
            Rule::at("details.input_length", ResponseField::Usage(Count::Input)),
            Rule::at("[].details.finish_reason", ResponseField::Finish),
            Rule::at("[].details.generated_tokens", ResponseField::Usage(Count::Output)),
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
