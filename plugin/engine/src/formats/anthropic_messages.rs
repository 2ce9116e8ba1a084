//! Anthropic messages (<https://docs.claude.com/en/api/messages-streaming>), and what speaks the same elsewhere.
//!
//! `input_tokens` leaves out what was read from or written to the cache. In streams `message_start` has the first
//! counts and `message_delta` the last ones: they are cumulative, can raise the input too (server tools), and never
//! shrink. With compaction, an advisor or a fallback, `usage.iterations` has all that is billed, and the counts beside it
//! leave iterations out (<https://platform.claude.com/docs/en/build-with-claude/compaction>).

use super::{
    AlwaysReports, BLANK, CUT_OFF_SIGNS, Choices, CutOffSigns, ERROR_TYPES, ERRORS, ErrorWords, Format,
    Operation, RequestField, RequestRule, ResponseField, ResponseRule, Rule, Tools,
};
use crate::estimate::Frame;
use crate::price::PriceTerm;
use crate::record::ErrorClass;
use crate::usage::{Count, Merge};

/// The rules for every answer, also on Bedrock.
pub(super) const RESPONSE: &[ResponseRule] = &[
    Rule::at("id", ResponseField::Id),
    Rule::at("message.id", ResponseField::Id),
    Rule::at("model", ResponseField::Model),
    Rule::at("message.model", ResponseField::Model),
    Rule::at("stop_reason", ResponseField::Finish),
    Rule::at("delta.stop_reason", ResponseField::Finish),
    Rule::at("delta.text", ResponseField::Text),
    Rule::at("delta.thinking", ResponseField::Generated),
    Rule::at("delta.partial_json", ResponseField::Generated),
    Rule::only("content[].type", "tool_use", ResponseField::ToolCall),
    Rule::only("content_block.type", "tool_use", ResponseField::ToolCall),
    Rule::at("usage.input_tokens", ResponseField::Usage(Count::Input)),
    Rule::at("usage.output_tokens", ResponseField::Usage(Count::Output)),
    Rule::at("usage.cache_read_input_tokens", ResponseField::Usage(Count::CacheRead)),
    Rule::at("usage.cache_creation_input_tokens", ResponseField::Usage(Count::CacheWrite)),
    Rule::at("usage.cache_creation.ephemeral_1h_input_tokens", ResponseField::Usage(Count::CacheWrite1h)),
    Rule::at("usage.output_tokens_details.thinking_tokens", ResponseField::Usage(Count::Reasoning)),
    Rule::at("usage.iterations[].model", ResponseField::IterationModel),
    Rule::at("usage.iterations[].input_tokens", ResponseField::Iteration(Count::Input)),
    Rule::at("usage.iterations[].output_tokens", ResponseField::Iteration(Count::Output)),
    Rule::at("usage.iterations[].cache_read_input_tokens", ResponseField::Iteration(Count::CacheRead)),
    Rule::at("usage.iterations[].cache_creation_input_tokens", ResponseField::Iteration(Count::CacheWrite)),
    Rule::at(
        "usage.iterations[].cache_creation.ephemeral_1h_input_tokens",
        ResponseField::Iteration(Count::CacheWrite1h),
    ),
    Rule::at("usage.service_tier", ResponseField::PriceTerm(PriceTerm::Tier)),
    Rule::at("usage.speed", ResponseField::PriceTerm(PriceTerm::Speed)),
    Rule::at("usage.inference_geo", ResponseField::PriceTerm(PriceTerm::Region)),
    Rule::at("message.usage.service_tier", ResponseField::PriceTerm(PriceTerm::Tier)),
    Rule::at("message.usage.speed", ResponseField::PriceTerm(PriceTerm::Speed)),
    Rule::at("message.usage.inference_geo", ResponseField::PriceTerm(PriceTerm::Region)),
    Rule::at("usage.pydantic_ai_gateway", ResponseField::Speaker("gateway")),
    Rule::at("message.usage.input_tokens", ResponseField::Usage(Count::Input)),
    // A few tokens at most: what was generated when the first event left.
    Rule::at("message.usage.output_tokens", ResponseField::FirstUsage(Count::Output)),
    Rule::at("message.usage.cache_read_input_tokens", ResponseField::Usage(Count::CacheRead)),
    Rule::at("message.usage.cache_creation_input_tokens", ResponseField::Usage(Count::CacheWrite)),
    Rule::at(
        "message.usage.cache_creation.ephemeral_1h_input_tokens",
        ResponseField::Usage(Count::CacheWrite1h),
    ),
    Rule::only("type", "message_stop", ResponseField::Last),
];

/// Its tokenizer makes more of a text than others do, and tools come with a page of instructions.
pub(super) const FRAME: Frame =
    Frame { text_percent: 115, prompt: 3, turn: 4, tools: 310, value_milli: 2400, call: 38 };

/// The rules for the prompt.
pub(super) const PROMPT: &[RequestRule] = &[
    Rule::at("system", RequestField::System),
    Rule::at("system[].text", RequestField::System),
    Rule::at("messages[]", RequestField::Turn),
    Rule::at("messages[].role", RequestField::Role),
    Rule::at("messages[].content", RequestField::Text),
    Rule::at("messages[].content[].text", RequestField::Text),
    Rule::at("messages[].content[].content", RequestField::ToolResult),
    Rule::at("messages[].content[].content[].text", RequestField::ToolResult),
    Rule::at("messages[].content[].input.**", RequestField::Text),
    Rule::at("tools.**", RequestField::Schema),
];

/// The text of whole answers.
pub(super) const WHOLE: &[ResponseRule] = &[
    Rule::at("content[].text", ResponseField::Whole),
    Rule::at("content[].thinking", ResponseField::WholeAside),
    Rule::at("content[].input.**", ResponseField::WholeAside),
];

/// Its error type beside those that many providers share.
pub(super) const OWN_ERROR_TYPES: ErrorWords = &[("overloaded_error", ErrorClass::Overloaded)];

/// A turn with tools of the server's own is paused (`pause_turn`), and goes on when the client sends it again.
pub(super) const OWN_CUT_OFF_SIGNS: CutOffSigns = &["pause"];

/// `POST /v1/messages`, and Vertex's `:rawPredict`.
pub const FORMAT: Format = Format {
    name: "anthropic_messages",
    provider: "anthropic",
    operation: Operation::Chat,
    claims: &[
        "*/v1/messages",
        "*/publishers/anthropic/models/*:rawPredict",
        "*/publishers/anthropic/models/*:streamRawPredict",
    ],
    model_in_path: &[("/models/", ":")],
    request: &[super::MODEL, PROMPT],
    response: &[RESPONSE, ERRORS, WHOLE],
    input_tokens: &[Count::Input, Count::CacheRead, Count::CacheWrite],
    choices: Choices::One,
    frame: FRAME,
    always_reports: AlwaysReports::All,
    merge: Merge::Largest,
    // https://platform.claude.com/docs/en/test-and-evaluate/strengthen-guardrails/handle-streaming-refusals
    unbilled_finish: "refusal",
    tools: Tools::Always,
    error_types: &[ERROR_TYPES, OWN_ERROR_TYPES],
    cut_off_signs: &[CUT_OFF_SIGNS, OWN_CUT_OFF_SIGNS],
    ..BLANK
};

/// `POST /v1/messages/count_tokens`: not an inference.
pub const COUNT_TOKENS: Format = Format {
    name: "anthropic_count_tokens",
    provider: "anthropic",
    operation: Operation::CountTokens,
    claims: &["*/v1/messages/count_tokens", "*/publishers/anthropic/models/count-tokens:rawPredict"],
    response: &[ERRORS],
    error_types: &[ERROR_TYPES, OWN_ERROR_TYPES],
    has_usage: false,
    ..BLANK
};
