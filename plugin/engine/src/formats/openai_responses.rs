//! OpenAI responses (<https://platform.openai.com/docs/api-reference/responses-streaming>), spoken by xAI, DeepSeek
//! and others too.
//!
//! Streams tell usage in their terminal event, which is one of three; `response.created` has it as null. What xAI
//! puts below `usage.context_details` repeats the names with other numbers and is not read.

use super::{BLANK, ERRORS, Field, Format, Operation, Rule, Tools};
use crate::usage::Count;

/// What goes to the model.
const PROMPT: &[Rule] = &[
    Rule::at("instructions", Field::System),
    Rule::at("input", Field::Text),
    Rule::at("input[]", Field::Turn),
    Rule::at("input[].role", Field::Role),
    Rule::at("input[].content", Field::Text),
    Rule::at("input[].content[].text", Field::Text),
    Rule::at("input[].output", Field::ToolResult),
    Rule::at("input[].arguments", Field::Aside),
    Rule::at("tools.**", Field::Schema),
    Rule::at("text.format.**", Field::Schema),
];

/// The text of whole answers.
const WHOLE: &[Rule] = &[
    Rule::at("output[].content[].text", Field::Whole),
    Rule::at("output[].content[].refusal", Field::Refusal),
    Rule::at("output[].summary[].text", Field::WholeAside),
    Rule::at("output[].arguments", Field::WholeAside),
    Rule::at("output[].input", Field::WholeAside),
];

/// `POST /v1/responses`, and `/v1/responses/compact`, which is billed as one.
pub const FORMAT: Format = Format {
    name: "openai_responses",
    operation: Operation::Chat,
    claims: &["*/responses", "*/responses/compact"],
    model_in_path: Some(("/deployments/", "/")),
    kind: "type",
    request: &[super::ASKED, PROMPT],
    response: &[
        WHOLE,
        &[
            Rule::at("id", Field::Id),
            Rule::at("model", Field::Model),
            Rule::at("response.id", Field::Id),
            Rule::at("response.model", Field::Model),
            Rule::at("delta", Field::Text).of("response.output_text.delta"),
            Rule::at("delta", Field::Refusal).of("response.refusal.delta"),
            Rule::at("delta", Field::Generated),
            Rule::only("output[].type", "function_call", Field::WholeToolCall),
            Rule::only("output[].type", "custom_tool_call", Field::WholeToolCall),
            Rule::only("response.output[].type", "function_call", Field::WholeToolCall),
            Rule::only("response.output[].type", "custom_tool_call", Field::WholeToolCall),
            Rule::only("item.type", "function_call", Field::ToolCall).of("response.output_item.done"),
            Rule::only("item.type", "custom_tool_call", Field::ToolCall).of("response.output_item.done"),
            Rule::at("status", Field::Finish),
            Rule::at("incomplete_details.reason", Field::FinishDetail),
            Rule::at("response.status", Field::Finish).of("response.completed"),
            Rule::at("response.status", Field::Finish).of("response.failed"),
            Rule::at("response.status", Field::Finish).of("response.incomplete"),
            Rule::at("response.incomplete_details.reason", Field::FinishDetail),
            Rule::at("usage.input_tokens", Field::Usage(Count::Input)),
            Rule::at("usage.output_tokens", Field::Usage(Count::Output)),
            Rule::at("usage.total_tokens", Field::Usage(Count::Total)),
            Rule::at("usage.input_tokens_details.cached_tokens", Field::Usage(Count::CacheRead)),
            Rule::at("usage.input_tokens_details.cache_write_tokens", Field::Usage(Count::CacheWrite)),
            Rule::at("usage.output_tokens_details.reasoning_tokens", Field::Usage(Count::Reasoning)),
            Rule::at("response.usage.input_tokens", Field::Usage(Count::Input)),
            Rule::at("response.usage.output_tokens", Field::Usage(Count::Output)),
            Rule::at("response.usage.total_tokens", Field::Usage(Count::Total)),
            Rule::at("response.usage.input_tokens_details.cached_tokens", Field::Usage(Count::CacheRead)),
            Rule::at(
                "response.usage.input_tokens_details.cache_write_tokens",
                Field::Usage(Count::CacheWrite),
            ),
            Rule::at("response.usage.output_tokens_details.reasoning_tokens", Field::Usage(Count::Reasoning)),
            Rule::at("response.error", Field::Error),
            Rule::at("response.error.code", Field::ErrorCode),
            Rule::only("type", "error", Field::Error),
            Rule::at("code", Field::ErrorCode).of("error"),
            Rule::only("type", "response.completed", Field::Last),
            Rule::only("type", "response.failed", Field::Last),
            Rule::only("type", "response.incomplete", Field::Last),
        ],
        ERRORS,
    ],
    frame: super::CHAT_FRAME,
    tools: Tools::Always,
    ..BLANK
};

/// `POST /v1/responses/input_tokens`: not an inference.
pub const COUNT_TOKENS: Format = Format {
    name: "openai_count_tokens",
    operation: Operation::CountTokens,
    claims: &["*/responses/input_tokens"],
    response: &[ERRORS],
    has_usage: false,
    ..BLANK
};
