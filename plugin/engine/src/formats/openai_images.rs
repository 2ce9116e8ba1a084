//! OpenAI images (<https://platform.openai.com/docs/api-reference/images>): usage with the gpt-image models only.

use super::{BLANK, Choices, ERRORS, Format, Operation, ResponseField, Rule};
use crate::usage::Count;

/// `POST /v1/images/generations`, `/edits` and `/variations`, and OpenRouter's `/images`.
pub const FORMAT: Format = Format {
    name: "openai_images",
    operation: Operation::ImageGeneration,
    claims: &["*/images/generations", "*/images/edits", "*/images/variations", "*/v1/images"],
    model_in_path: &[("/deployments/", "/")],
    response: &[
        &[
            Rule::at("data[]", ResponseField::Item),
            Rule::at("usage.input_tokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.output_tokens", ResponseField::Usage(Count::Output)),
            // Without details (streams, older models) all output is images.
            Rule::at("usage.output_tokens", ResponseField::UsageElse(Count::ImageOutput)),
            Rule::at("usage.input_tokens_details.image_tokens", ResponseField::Usage(Count::ImageInput)),
            Rule::at("usage.output_tokens_details.image_tokens", ResponseField::Usage(Count::ImageOutput)),
            Rule::at("usage.prompt_tokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.completion_tokens", ResponseField::Usage(Count::Output)),
            Rule::at("usage.total_tokens", ResponseField::Usage(Count::Total)),
            Rule::at("usage.prompt_tokens_details.cached_tokens", ResponseField::Usage(Count::CacheRead)),
            Rule::at(
                "usage.prompt_tokens_details.cache_write_tokens",
                ResponseField::Usage(Count::CacheWrite),
            ),
            Rule::at("usage.prompt_tokens_details.audio_tokens", ResponseField::Usage(Count::AudioInput)),
            Rule::at(
                "usage.completion_tokens_details.reasoning_tokens",
                ResponseField::Usage(Count::Reasoning),
            ),
            Rule::at(
                "usage.completion_tokens_details.image_tokens",
                ResponseField::Usage(Count::ImageOutput),
            ),
            Rule::only("type", "image_generation.completed", ResponseField::Last),
            Rule::only("type", "image_edit.completed", ResponseField::Last),
        ],
        ERRORS,
    ],
    choices: Choices::Counted,
    has_usage: false,
    ..BLANK
};
