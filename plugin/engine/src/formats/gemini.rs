//! Gemini, at Google's own API and in Vertex AI (<https://ai.google.dev/api/generate-content>).
//!
//! `usageMetadata` comes with nearly every chunk and the last one counts as a whole: its numbers can go down, and
//! early chunks on Vertex can hold nothing but `trafficType`. The prompt leaves out `toolUsePromptTokenCount`, the
//! candidates leave out `thoughtsTokenCount`; the total has all four.

use super::{
    AlwaysReports, BLANK, CUT_OFF_SIGNS, Choices, CutOffSigns, Format, Modalities, Operation, ROLES,
    RequestField, RequestRule, ResponseField, ResponseRule, Role, RoleWords, Rule, Tools,
};
use crate::estimate::Frame;
use crate::price::PriceTerm;
use crate::usage::{Count, Merge};

const MODEL_IN_PATH: &[(&str, &str)] = &[("/models/", ":")];

/// It counts hardly more than the texts.
pub(super) const FRAME: Frame =
    Frame { text_percent: 100, prompt: 0, turn: 1, tools: 0, value_milli: 200, call: 3 };

/// The modalities of the input. A document is read, and billed, as images of its pages.
pub(super) const INPUT: Modalities = &[
    ("AUDIO", Count::AudioInput),
    ("IMAGE", Count::ImageInput),
    ("DOCUMENT", Count::ImageInput),
    ("VIDEO", Count::VideoInput),
];

/// The modalities of the cached input, where video has no separate price.
pub(super) const CACHED: Modalities = &[
    ("AUDIO", Count::CachedAudioInput),
    ("IMAGE", Count::CachedImageInput),
    ("DOCUMENT", Count::CachedImageInput),
];

/// The modalities of the output.
pub(super) const OUTPUT: Modalities =
    &[("AUDIO", Count::AudioOutput), ("IMAGE", Count::ImageOutput), ("VIDEO", Count::VideoOutput)];

/// The rules for the prompt.
const PROMPT: &[RequestRule] = &[
    Rule::at("systemInstruction.parts[].text", RequestField::System),
    Rule::at("system_instruction.parts[].text", RequestField::System),
    Rule::at("contents[]", RequestField::Turn),
    Rule::at("contents[].role", RequestField::Role),
    Rule::at("contents[].parts[].text", RequestField::Text),
    Rule::at("contents[].parts[].functionCall.args.**", RequestField::Text),
    Rule::at("contents[].parts[].functionResponse.response.**", RequestField::ToolResult),
    Rule::at("tools.**", RequestField::Schema),
    Rule::at("generationConfig.responseSchema.**", RequestField::Schema),
    Rule::at("generationConfig.responseJsonSchema.**", RequestField::Schema),
];

/// Its word for the model.
pub(super) const MODEL_ROLE: RoleWords = &[("model", Role::Model)];

/// Its finish reasons for answers that were stopped, beside parts that many providers share: `PROHIBITED_CONTENT`,
/// `RECITATION`, `SPII`, `MALFORMED_FUNCTION_CALL`, `LANGUAGE`, `IMAGE_OTHER`.
pub(super) const OWN_CUT_OFF_SIGNS: CutOffSigns =
    &["prohibit", "recit", "spii", "malformed", "language", "image"];

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
    model_in_path: MODEL_IN_PATH,
    request: &[super::MODEL, PROMPT],
    roles: &[ROLES, MODEL_ROLE],
    response: &[
        &[
            Rule::at("responseId", ResponseField::Id),
            Rule::at("modelVersion", ResponseField::Model),
            Rule::at("candidates[]", ResponseField::Choice),
            Rule::at("candidates[].index", ResponseField::ChoiceIndex),
            Rule::at("candidates[].finishReason", ResponseField::Finish),
            Rule::at("promptFeedback.blockReason", ResponseField::Blocked),
            Rule::at("candidates[].content.parts[].text", ResponseField::Text),
            Rule::at("candidates[].content.parts[].thought", ResponseField::Hidden),
            // The name comes once a call, with its first piece where arguments are streamed.
            Rule::at("candidates[].content.parts[].functionCall.name", ResponseField::ToolCall),
            Rule::at("candidates[].content.parts[].functionCall", ResponseField::Generated),
            Rule::at("candidates[].content.parts[].functionCall.args.**", ResponseField::Generated),
            Rule::at("candidates[].content.parts[].executableCode.code", ResponseField::Generated),
            Rule::at("usageMetadata.trafficType", ResponseField::PriceTerm(PriceTerm::Tier)),
            Rule::at("usageMetadata.serviceTier", ResponseField::PriceTerm(PriceTerm::Tier)),
            Rule::at("usageMetadata.promptTokenCount", ResponseField::Usage(Count::Input)),
            Rule::at("usageMetadata.candidatesTokenCount", ResponseField::Usage(Count::Output)),
            Rule::at("usageMetadata.totalTokenCount", ResponseField::Usage(Count::Total)),
            Rule::at("usageMetadata.cachedContentTokenCount", ResponseField::Usage(Count::CacheRead)),
            Rule::at("usageMetadata.thoughtsTokenCount", ResponseField::Usage(Count::Reasoning)),
            Rule::at("usageMetadata.toolUsePromptTokenCount", ResponseField::Usage(Count::ToolUseInput)),
            Rule::at("usageMetadata.promptTokensDetails[].modality", ResponseField::Modality(INPUT)),
            Rule::at("usageMetadata.promptTokensDetails[].tokenCount", ResponseField::UsageOf(INPUT)),
            Rule::at("usageMetadata.cacheTokensDetails[].modality", ResponseField::Modality(CACHED)),
            Rule::at("usageMetadata.cacheTokensDetails[].tokenCount", ResponseField::UsageOf(CACHED)),
            Rule::at("usageMetadata.candidatesTokensDetails[].modality", ResponseField::Modality(OUTPUT)),
            Rule::at("usageMetadata.candidatesTokensDetails[].tokenCount", ResponseField::UsageOf(OUTPUT)),
        ],
        ERRORS,
    ],
    array_is_stream: true,
    merge: Merge::Whole,
    always_reports: AlwaysReports::All,
    input_tokens: &[Count::Input, Count::ToolUseInput],
    output_tokens: &[Count::Output, Count::Reasoning],
    choices: Choices::CountedOrZero,
    frame: FRAME,
    tools: Tools::Always,
    cut_off_signs: &[CUT_OFF_SIGNS, OWN_CUT_OFF_SIGNS],
    ..BLANK
};

/// `POST …/models/MODEL:countTokens`: not an inference.
pub const COUNT_TOKENS: Format = Format {
    name: "gemini_count_tokens",
    provider: "gcp.gemini",
    operation: Operation::CountTokens,
    claims: &["*/models/*:countTokens"],
    model_in_path: MODEL_IN_PATH,
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
    model_in_path: MODEL_IN_PATH,
    request: &[
        super::MODEL,
        &[
            Rule::at("content.parts[].text", RequestField::Text),
            Rule::at("requests[].content.parts[].text", RequestField::Text),
            Rule::at("instances[].content", RequestField::Text),
        ],
    ],
    response: &[
        &[
            Rule::at("embeddings[]", ResponseField::Item),
            Rule::at("embedding", ResponseField::Item),
            Rule::at("predictions[]", ResponseField::Item),
            Rule::at("usageMetadata.promptTokenCount", ResponseField::Usage(Count::Input)),
            Rule::at("usageMetadata.promptTokensDetails[].modality", ResponseField::Modality(INPUT)),
            Rule::at("usageMetadata.promptTokensDetails[].tokenCount", ResponseField::UsageOf(INPUT)),
            // Vertex AI: each prediction reports its own.
            Rule::at(
                "predictions[].embeddings.statistics.token_count",
                ResponseField::UsageSum(Count::Input),
            ),
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
    model_in_path: MODEL_IN_PATH,
    request: &[],
    response: &[&[Rule::at("predictions[]", ResponseField::Item)], ERRORS],
    choices: Choices::Counted,
    has_usage: false,
    ..BLANK
};

const ERRORS: &[ResponseRule] = &[
    Rule::at("error", ResponseField::Error),
    Rule::at("error.status", ResponseField::ErrorType),
    Rule::at("error.code", ResponseField::ErrorCode),
];
