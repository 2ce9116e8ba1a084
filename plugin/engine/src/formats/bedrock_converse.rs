//! Amazon Bedrock's Converse (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>).
//!
//! `inputTokens` leaves out what was read from or written to the cache, the total has it. Streams are AWS event
//! streams; usage comes in their `metadata` event.

use super::{BLANK, Choices, Field, Format, Operation, Rule, Tools};
use crate::estimate::Frame;
use crate::usage::Count;

/// Of its commonest models.
pub(super) const FRAME: Frame =
    Frame { text_percent: 110, prompt: 3, turn: 4, tools: 310, value_milli: 2400, call: 28 };

/// What goes to the model.
pub(super) const PROMPT: &[Rule] = &[
    Rule::at("system[].text", Field::System),
    Rule::at("messages[]", Field::Turn),
    Rule::at("messages[].role", Field::Role),
    Rule::at("messages[].content[].text", Field::Text),
    Rule::at("messages[].content[].guardContent.text.text", Field::Text),
    Rule::at("messages[].content[].toolUse.input.**", Field::Text),
    Rule::at("messages[].content[].toolResult.content[].text", Field::ToolResult),
    Rule::at("messages[].content[].toolResult.content[].json.**", Field::ToolResult),
    Rule::at("toolConfig.**", Field::Schema),
];

/// The text of whole answers.
pub(super) const WHOLE: &[Rule] = &[
    Rule::at("output.message.content[].text", Field::Whole),
    Rule::at("output.message.content[].reasoningContent.reasoningText.text", Field::WholeAside),
    Rule::at("output.message.content[].toolUse.input.**", Field::WholeAside),
];

/// `POST /model/MODEL/converse` and `/converse-stream`
pub const FORMAT: Format = Format {
    name: "bedrock_converse",
    provider: "aws.bedrock",
    operation: Operation::Chat,
    claims: &["*/model/*/converse", "*/model/*/converse-stream"],
    model_in_path: Some(("/model/", "/")),
    request: &[super::ASKED, PROMPT],
    response: &[
        WHOLE,
        &[
            Rule::at("stopReason", Field::Finish),
            Rule::at("delta.text", Field::Text),
            Rule::at("delta.reasoningContent.text", Field::Generated),
            Rule::at("delta.toolUse.input", Field::Generated),
            Rule::at("start.toolUse", Field::ToolCall),
            Rule::at("output.message.content[].toolUse", Field::WholeToolCall),
            Rule::at("usage.inputTokens", Field::Usage(Count::Input)),
            Rule::at("usage.outputTokens", Field::Usage(Count::Output)),
            Rule::at("usage.totalTokens", Field::Usage(Count::Total)),
            Rule::at("usage.cacheReadInputTokens", Field::Usage(Count::CacheRead)),
            Rule::at("usage.cacheWriteInputTokens", Field::Usage(Count::CacheWrite)),
        ],
    ],
    headers: &[ERROR_HEADER],
    input_tokens: &[Count::Input, Count::CacheRead, Count::CacheWrite],
    choices: Choices::One,
    frame: FRAME,
    tools: Tools::Always,
    ..BLANK
};

/// The class of an error, in its head.
pub(super) const ERROR_HEADER: (&str, Field) = ("x-amzn-errortype", Field::ErrorType);

/// `POST /model/MODEL/count-tokens`: not an inference.
pub const COUNT_TOKENS: Format = Format {
    name: "bedrock_count_tokens",
    operation: Operation::CountTokens,
    request: &[super::ASKED],
    claims: &["*/model/*/count-tokens"],
    response: &[],
    choices: Choices::None,
    tools: Tools::None,
    has_usage: false,
    ..FORMAT
};
