//! Alibaba's DashScope, its own protocol (<https://www.alibabacloud.com/help/en/model-studio/qwen-api-via-dashscope>):
//! generation of text, multimodal generation, and applications.
//!
//! Streams (`X-DashScope-SSE: enable`) report the usage so far with every event, and each event has the text so far
//! unless `incremental_output` is set. Older answers have `output.text` in place of choices.

use super::{
    BLANK, Choices, Format, Operation, RequestField, RequestRule, ResponseField, ResponseRule, Rule, Tools,
};
use crate::usage::{Count, Merge};

const PROMPT: &[RequestRule] = &[
    Rule::at("input.messages[]", RequestField::Turn),
    Rule::at("input.messages[].role", RequestField::Role),
    Rule::at("input.messages[].content", RequestField::Text),
    Rule::at("input.messages[].content[].text", RequestField::Text),
    Rule::at("input.prompt", RequestField::Text),
    Rule::at("parameters.tools.**", RequestField::Schema),
];

const ERRORS: &[ResponseRule] =
    &[Rule::at("code", ResponseField::Error), Rule::at("code", ResponseField::ErrorCode)];

/// `POST /api/v1/services/aigc/…/generation`, and `POST /api/v1/apps/ID/completion`
pub const FORMAT: Format = Format {
    name: "dashscope_generation",
    provider: "alibaba",
    operation: Operation::Chat,
    claims: &[
        "*/api/v1/services/aigc/text-generation/generation",
        "*/api/v1/services/aigc/multimodal-generation/generation",
        "*/api/v1/apps/*/completion",
    ],
    request: &[super::MODEL, PROMPT],
    response: &[
        &[
            Rule::at("request_id", ResponseField::Id),
            Rule::at("output.choices[]", ResponseField::Choice),
            Rule::only("output.choices[].finish_reason", "stop", ResponseField::Finish),
            Rule::only("output.choices[].finish_reason", "length", ResponseField::Finish),
            Rule::only("output.choices[].finish_reason", "tool_calls", ResponseField::Finish),
            Rule::at("output.choices[].message.content", ResponseField::Whole),
            Rule::at("output.choices[].message.content[].text", ResponseField::Whole),
            Rule::at("output.choices[].message.content", ResponseField::Text),
            Rule::at("output.choices[].message.content[].text", ResponseField::Text),
            Rule::at("output.choices[].message.reasoning_content", ResponseField::Generated),
            Rule::at("output.choices[].message.tool_calls[].index", ResponseField::ToolIndex),
            Rule::at("output.choices[].message.tool_calls[].id", ResponseField::ToolId),
            Rule::at("output.choices[].message.tool_calls[].function.name", ResponseField::ToolName),
            Rule::at("output.text", ResponseField::Text),
            Rule::at("output.text", ResponseField::Choice),
            Rule::only("output.finish_reason", "stop", ResponseField::Finish),
            Rule::only("output.finish_reason", "length", ResponseField::Finish),
            Rule::at("usage.input_tokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.output_tokens", ResponseField::Usage(Count::Output)),
            Rule::at("usage.total_tokens", ResponseField::Usage(Count::Total)),
            Rule::at("usage.prompt_tokens_details.cached_tokens", ResponseField::Usage(Count::CacheRead)),
            Rule::at("usage.output_tokens_details.reasoning_tokens", ResponseField::Usage(Count::Reasoning)),
            // Applications: one element for each model.
            Rule::at("usage.models[].input_tokens", ResponseField::UsageSum(Count::Input)),
            Rule::at("usage.models[].output_tokens", ResponseField::UsageSum(Count::Output)),
            Rule::at("usage.models[].model_id", ResponseField::Model),
        ],
        ERRORS,
    ],
    merge: Merge::Largest,
    choices: Choices::Counted,
    tools: Tools::Always,
    frame: super::CHAT_FRAME,
    ..BLANK
};
