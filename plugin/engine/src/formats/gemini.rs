//! Gemini, at Google's own API and in Vertex AI (<https://ai.google.dev/api/generate-content>).
//!
//! `usageMetadata` comes with nearly every chunk and the last one counts as a whole: its numbers can go down, and
//! early chunks on Vertex can hold nothing but `trafficType`. The prompt leaves out `toolUsePromptTokenCount`, the
//! candidates leave out `thoughtsTokenCount`; the total has all four.

use super::{BLANK, Choices, Field, Format, Modalities, Operation, Rule, Tools};
use crate::estimate::Frame;
use crate::usage::{Count, Merge};

const MODEL: Option<(&str, &str)> = Some(("/models/", ":"));

/// It counts hardly more than the texts.
pub(super) const FRAME: Frame =
    Frame { text_percent: 100, prompt: 0, turn: 1, tools: 0, value_milli: 200, call: 3 };

/// What the input is made of. A document is read as images of its pages, and billed so.
pub(super) const INPUT: Modalities = &[
    ("AUDIO", Count::AudioInput),
    ("IMAGE", Count::ImageInput),
    ("DOCUMENT", Count::ImageInput),
    ("VIDEO", Count::VideoInput),
];

/// What the cached part of the input is made of; video has no price of its own there.
pub(super) const CACHED: Modalities = &[
    ("AUDIO", Count::CachedAudioInput),
    ("IMAGE", Count::CachedImageInput),
    ("DOCUMENT", Count::CachedImageInput),
];

/// What the output is made of.
pub(super) const OUTPUT: Modalities =
    &[("AUDIO", Count::AudioOutput), ("IMAGE", Count::ImageOutput), ("VIDEO", Count::VideoOutput)];

/// What goes to the model.
const PROMPT: &[Rule] = &[
    Rule::at("systemInstruction.parts[].text", Field::System),
    Rule::at("system_instruction.parts[].text", Field::System),
    Rule::at("contents[]", Field::Turn),
    Rule::at("contents[].role", Field::Role),
    Rule::at("contents[].parts[].text", Field::Text),
    Rule::at("contents[].parts[].functionCall.args.**", Field::Text),
    Rule::at("contents[].parts[].functionResponse.response.**", Field::ToolResult),
    Rule::at("tools.**", Field::Schema),
    Rule::at("generationConfig.responseSchema.**", Field::Schema),
    Rule::at("generationConfig.responseJsonSchema.**", Field::Schema),
];

/// `POST …/models/MODEL:generateContent` and `:streamGenerateContent`, whose stream is a JSON array without `alt=sse`.
pub const FORMAT: Format = Format {
    name: "gemini_generate_content",
    provider: "gcp.gemini",
    operation: Operation::GenerateContent,
    claims: &[
        "*/models/*:generateContent",
        "*/models/*:streamGenerateContent",
        "*/tunedModels/*:generateContent",
        "*/tunedModels/*:streamGenerateContent",
        // Vertex AI: tuned models, whose model the path does not name.
        "*/endpoints/*:generateContent",
        "*/endpoints/*:streamGenerateContent",
    ],
    model_in_path: MODEL,
    request: &[super::ASKED, PROMPT],
    response: &[
        &[
            Rule::at("responseId", Field::Id),
            Rule::at("modelVersion", Field::Model),
            Rule::at("candidates[]", Field::Choice),
            Rule::at("candidates[].index", Field::ChoiceIndex),
            Rule::at("candidates[].finishReason", Field::Finish),
            Rule::at("promptFeedback.blockReason", Field::Blocked),
            Rule::at("candidates[].content.parts[].text", Field::Text),
            Rule::at("candidates[].content.parts[].thought", Field::Hidden),
            Rule::at("candidates[].content.parts[].functionCall", Field::ToolCall),
            Rule::at("candidates[].content.parts[].functionCall", Field::Generated),
            Rule::at("candidates[].content.parts[].functionCall.args.**", Field::Generated),
            Rule::at("candidates[].content.parts[].executableCode.code", Field::Generated),
            Rule::at("usageMetadata.promptTokenCount", Field::Usage(Count::Input)),
            Rule::at("usageMetadata.candidatesTokenCount", Field::Usage(Count::Output)),
            Rule::at("usageMetadata.totalTokenCount", Field::Usage(Count::Total)),
            Rule::at("usageMetadata.cachedContentTokenCount", Field::Usage(Count::CacheRead)),
            Rule::at("usageMetadata.thoughtsTokenCount", Field::Usage(Count::Reasoning)),
            Rule::at("usageMetadata.toolUsePromptTokenCount", Field::Usage(Count::ToolUseInput)),
            Rule::at("usageMetadata.promptTokensDetails[].modality", Field::Modality(INPUT)),
            Rule::at("usageMetadata.promptTokensDetails[].tokenCount", Field::UsageOf(INPUT)),
            Rule::at("usageMetadata.cacheTokensDetails[].modality", Field::Modality(CACHED)),
            Rule::at("usageMetadata.cacheTokensDetails[].tokenCount", Field::UsageOf(CACHED)),
            Rule::at("usageMetadata.candidatesTokensDetails[].modality", Field::Modality(OUTPUT)),
            Rule::at("usageMetadata.candidatesTokensDetails[].tokenCount", Field::UsageOf(OUTPUT)),
        ],
        ERRORS,
    ],
    array_is_stream: true,
    merge: Merge::Whole,
    input_tokens: &[Count::Input, Count::ToolUseInput],
    output_tokens: &[Count::Output, Count::Reasoning],
    choices: Choices::CountedOrZero,
    frame: FRAME,
    tools: Tools::Always,
    ..BLANK
};

/// `POST …/models/MODEL:countTokens`: not an inference.
pub const COUNT_TOKENS: Format = Format {
    name: "gemini_count_tokens",
    provider: "gcp.gemini",
    operation: Operation::CountTokens,
    claims: &["*/models/*:countTokens"],
    model_in_path: MODEL,
    response: &[ERRORS],
    has_usage: false,
    ..BLANK
};

/// `POST …/models/MODEL:embedContent`, `:batchEmbedContents`, and Vertex' `:predict`.
pub const EMBEDDINGS: Format = Format {
    name: "gemini_embeddings",
    provider: "gcp.gemini",
    operation: Operation::Embeddings,
    claims: &["*/models/*:embedContent", "*/models/*:batchEmbedContents", "*/models/*embedding*:predict"],
    model_in_path: MODEL,
    request: &[
        super::ASKED,
        &[
            Rule::at("content.parts[].text", Field::Text),
            Rule::at("requests[].content.parts[].text", Field::Text),
            Rule::at("instances[].content", Field::Text),
        ],
    ],
    response: &[
        &[
            Rule::at("embeddings[]", Field::Item),
            Rule::at("embedding", Field::Item),
            Rule::at("predictions[]", Field::Item),
            Rule::at("usageMetadata.promptTokenCount", Field::Usage(Count::Input)),
            Rule::at("usageMetadata.promptTokensDetails[].modality", Field::Modality(INPUT)),
            Rule::at("usageMetadata.promptTokensDetails[].tokenCount", Field::UsageOf(INPUT)),
            // Vertex AI: each prediction tells its own.
            Rule::at("predictions[].embeddings.statistics.token_count", Field::UsageSum(Count::Input)),
        ],
        ERRORS,
    ],
    choices: Choices::Counted,
    ..BLANK
};

/// `POST …/models/imagen-…:predict`: pictures, without usage.
pub const IMAGES: Format = Format {
    name: "gemini_images",
    provider: "gcp.gemini",
    operation: Operation::ImageGeneration,
    claims: &["*/models/imagen*:predict"],
    model_in_path: MODEL,
    request: &[],
    response: &[&[Rule::at("predictions[]", Field::Item)], ERRORS],
    choices: Choices::Counted,
    has_usage: false,
    ..BLANK
};

const ERRORS: &[Rule] = &[
    Rule::at("error", Field::Error),
    Rule::at("error.status", Field::ErrorType),
    Rule::at("error.code", Field::ErrorCode),
];
