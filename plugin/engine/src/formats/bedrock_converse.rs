//! Amazon Bedrock's Converse (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>).
//!
//! `inputTokens` leaves out what was read from or written to the cache, the total has it. Streams are AWS event
//! streams; usage comes in their `metadata` event.

use super::{
    AlwaysReports, BLANK, CUT_OFF_SIGNS, Choices, CutOffSigns, Format, HeaderField, Modalities, Operation,
    RequestField, RequestRule, ResponseField, ResponseRule, Rule, Tools,
};
use crate::estimate::Frame;
use crate::price::PriceTerm;
use crate::usage::Count;

/// Of its commonest models.
pub(super) const FRAME: Frame =
    Frame { text_percent: 110, prompt: 3, turn: 4, tools: 310, value_milli: 2400, call: 28 };

/// The rules for the prompt.
pub(super) const PROMPT: &[RequestRule] = &[
    Rule::at("system[].text", RequestField::System),
    Rule::at("messages[]", RequestField::Turn),
    Rule::at("messages[].role", RequestField::Role),
    Rule::at("messages[].content[].text", RequestField::Text),
    Rule::at("messages[].content[].guardContent.text.text", RequestField::Text),
    Rule::at("messages[].content[].toolUse.input.**", RequestField::Text),
    Rule::at("messages[].content[].toolResult.content[].text", RequestField::ToolResult),
    Rule::at("messages[].content[].toolResult.content[].json.**", RequestField::ToolResult),
    Rule::at("toolConfig.**", RequestField::Schema),
];

/// The text of whole answers.
pub(super) const WHOLE: &[ResponseRule] = &[
    Rule::at("output.message.content[].text", ResponseField::Whole),
    Rule::at("output.message.content[].reasoningContent.reasoningText.text", ResponseField::WholeAside),
    Rule::at("output.message.content[].toolUse.input.**", ResponseField::WholeAside),
];

/// `POST /model/MODEL/converse` and `/converse-stream`
pub const FORMAT: Format = Format {
    name: "bedrock_converse",
    provider: "aws.bedrock",
    operation: Operation::Chat,
    claims: &["*/model/*/converse", "*/model/*/converse-stream"],
    model_in_path: &[("/model/", "/")],
    request: &[super::MODEL, PROMPT],
    response: &[
        WHOLE,
        &[
            Rule::at("stopReason", ResponseField::Finish),
            Rule::at("delta.text", ResponseField::Text),
            Rule::at("delta.reasoningContent.text", ResponseField::Generated),
            Rule::at("delta.toolUse.input", ResponseField::Generated),
            Rule::at("start.toolUse", ResponseField::ToolCall),
            Rule::at("output.message.content[].toolUse", ResponseField::WholeToolCall),
            Rule::at("serviceTier.type", ResponseField::PriceTerm(PriceTerm::Tier)),
            Rule::at("usage.inputTokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.outputTokens", ResponseField::Usage(Count::Output)),
            Rule::at("usage.totalTokens", ResponseField::Usage(Count::Total)),
            Rule::at("usage.cacheReadInputTokens", ResponseField::Usage(Count::CacheRead)),
            Rule::at("usage.cacheWriteInputTokens", ResponseField::Usage(Count::CacheWrite)),
            Rule::at("usage.cacheDetails[].ttl", ResponseField::Modality(CACHE_TTL)),
            Rule::at("usage.cacheDetails[].inputTokens", ResponseField::UsageOf(CACHE_TTL)),
        ],
    ],
    headers: &[ERROR_HEADER],
    always_reports: AlwaysReports::All,
    input_tokens: &[Count::Input, Count::CacheRead, Count::CacheWrite],
    choices: Choices::One,
    frame: FRAME,
    tools: Tools::Always,
    cut_off_signs: &[CUT_OFF_SIGNS, OWN_CUT_OFF_SIGNS],
    ..BLANK
};

/// The times to live of what is written to a cache that have a price of their own
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CacheDetail.html>).
const CACHE_TTL: Modalities = &[("1h", Count::CacheWrite1h)];

/// A guardrail took the answer's place (`guardrail_intervened`).
pub(super) const OWN_CUT_OFF_SIGNS: CutOffSigns = &["guard"];

/// The class of an error, in its head.
pub(super) const ERROR_HEADER: (&str, HeaderField) = ("x-amzn-errortype", HeaderField::ErrorType);

/// `POST /model/MODEL/count-tokens`: not an inference.
pub const COUNT_TOKENS: Format = Format {
    name: "bedrock_count_tokens",
    operation: Operation::CountTokens,
    request: &[super::MODEL],
    claims: &["*/model/*/count-tokens"],
    response: &[],
    choices: Choices::None,
    tools: Tools::None,
    has_usage: false,
    ..FORMAT
};
