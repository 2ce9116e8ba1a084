//! OpenAI images (<https://platform.openai.com/docs/api-reference/images>): usage with the gpt-image models only.

use super::{BLANK, Choices, ERRORS, Field, Format, Operation, Rule};
use crate::usage::Count;

/// `POST /v1/images/generations`, `/edits` and `/variations`, and OpenRouter's `/images`.
pub const FORMAT: Format = Format {
    name: "openai_images",
    operation: Operation::ImageGeneration,
    claims: &["*/images/generations", "*/images/edits", "*/images/variations", "*/v1/images"],
    model_in_path: Some(("/deployments/", "/")),
    response: &[
        &[
            Rule::at("data[]", Field::Item),
            Rule::at("usage.input_tokens", Field::Usage(Count::Input)),
            Rule::at("usage.output_tokens", Field::Usage(Count::Output)),
            // Without details (streams, older models) all output is images.
            Rule::at("usage.output_tokens", Field::UsageElse(Count::ImageOutput)),
            Rule::at("usage.input_tokens_details.image_tokens", Field::Usage(Count::ImageInput)),
            Rule::at("usage.output_tokens_details.image_tokens", Field::Usage(Count::ImageOutput)),
            Rule::at("usage.prompt_tokens", Field::Usage(Count::Input)),
            Rule::at("usage.completion_tokens", Field::Usage(Count::Output)),
            Rule::at("usage.total_tokens", Field::Usage(Count::Total)),
            Rule::at("usage.prompt_tokens_details.cached_tokens", Field::Usage(Count::CacheRead)),
            Rule::at("usage.prompt_tokens_details.cache_write_tokens", Field::Usage(Count::CacheWrite)),
            Rule::at("usage.prompt_tokens_details.audio_tokens", Field::Usage(Count::AudioInput)),
            Rule::at("usage.completion_tokens_details.reasoning_tokens", Field::Usage(Count::Reasoning)),
            Rule::at("usage.completion_tokens_details.image_tokens", Field::Usage(Count::ImageOutput)),
            Rule::only("type", "image_generation.completed", Field::Last),
            Rule::only("type", "image_edit.completed", Field::Last),
        ],
        ERRORS,
    ],
    choices: Choices::Counted,
    has_usage: false,
    ..BLANK
};
