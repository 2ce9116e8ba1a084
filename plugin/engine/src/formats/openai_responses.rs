//! OpenAI responses (<https://platform.openai.com/docs/api-reference/responses-streaming>), spoken by xAI, DeepSeek
//! and others too.
//!
//! Streams report usage in their terminal event, which is one of three; `response.created` has it as null. What xAI
//! puts below `usage.context_details` repeats the names with other numbers and is not read.

use super::{
    BLANK, ERRORS, Format, Operation, RequestField, RequestRule, ResponseField, ResponseRule, Rule, Tools,
};
use crate::price::{CostUnit, PriceTerm};
use crate::usage::Count;

/// The rules for the prompt.
const PROMPT: &[RequestRule] = &[
    Rule::at("instructions", RequestField::System),
    Rule::at("input", RequestField::Text),
    Rule::at("input[]", RequestField::Turn),
    Rule::at("input[].role", RequestField::Role),
    Rule::at("input[].content", RequestField::Text),
    Rule::at("input[].content[].text", RequestField::Text),
    Rule::at("input[].output", RequestField::ToolResult),
    Rule::at("input[].arguments", RequestField::Aside),
    Rule::at("tools.**", RequestField::Schema),
    Rule::at("text.format.**", RequestField::Schema),
];

/// The text of whole answers.
const WHOLE: &[ResponseRule] = &[
    Rule::at("output[].content[].text", ResponseField::Whole),
    Rule::at("output[].content[].refusal", ResponseField::Refusal),
    Rule::at("output[].summary[].text", ResponseField::WholeAside),
    Rule::at("output[].arguments", ResponseField::WholeAside),
    Rule::at("output[].input", ResponseField::WholeAside),
];

/// The items that the client runs, or has to approve.
const TOOL_CALLS: &[ResponseRule] = &[
    Rule::only("output[].type", "function_call", ResponseField::WholeToolCall),
    Rule::only("response.output[].type", "function_call", ResponseField::WholeToolCall),
    Rule::only("item.type", "function_call", ResponseField::ToolCall).of("response.output_item.done"),
    Rule::only("output[].type", "custom_tool_call", ResponseField::WholeToolCall),
    Rule::only("response.output[].type", "custom_tool_call", ResponseField::WholeToolCall),
    Rule::only("item.type", "custom_tool_call", ResponseField::ToolCall).of("response.output_item.done"),
    Rule::only("output[].type", "apply_patch_call", ResponseField::WholeToolCall),
    Rule::only("response.output[].type", "apply_patch_call", ResponseField::WholeToolCall),
    Rule::only("item.type", "apply_patch_call", ResponseField::ToolCall).of("response.output_item.done"),
    Rule::only("output[].type", "shell_call", ResponseField::WholeToolCall),
    Rule::only("response.output[].type", "shell_call", ResponseField::WholeToolCall),
    Rule::only("item.type", "shell_call", ResponseField::ToolCall).of("response.output_item.done"),
    Rule::only("output[].type", "local_shell_call", ResponseField::WholeToolCall),
    Rule::only("response.output[].type", "local_shell_call", ResponseField::WholeToolCall),
    Rule::only("item.type", "local_shell_call", ResponseField::ToolCall).of("response.output_item.done"),
    Rule::only("output[].type", "computer_call", ResponseField::WholeToolCall),
    Rule::only("response.output[].type", "computer_call", ResponseField::WholeToolCall),
    Rule::only("item.type", "computer_call", ResponseField::ToolCall).of("response.output_item.done"),
    Rule::only("output[].type", "mcp_approval_request", ResponseField::WholeToolCall),
    Rule::only("response.output[].type", "mcp_approval_request", ResponseField::WholeToolCall),
    Rule::only("item.type", "mcp_approval_request", ResponseField::ToolCall).of("response.output_item.done"),
];

/// `POST /v1/responses`, and `/v1/responses/compact`, which is billed as one.
pub const FORMAT: Format = Format {
    name: "openai_responses",
    operation: Operation::Chat,
    claims: &["*/responses", "*/responses/compact"],
    model_in_path: &[("/deployments/", "/")],
    kind: "type",
    request: &[super::MODEL, PROMPT],
    response: &[
        WHOLE,
        TOOL_CALLS,
        &[
            Rule::at("id", ResponseField::Id),
            Rule::at("model", ResponseField::Model),
            Rule::at("response.id", ResponseField::Id),
            Rule::at("response.model", ResponseField::Model),
            Rule::at("delta", ResponseField::Text).of("response.output_text.delta"),
            Rule::at("delta", ResponseField::Refusal).of("response.refusal.delta"),
            Rule::at("delta", ResponseField::Generated),
            Rule::only("status", "completed", ResponseField::Finish),
            Rule::only("status", "failed", ResponseField::Finish),
            Rule::only("status", "incomplete", ResponseField::Finish),
            Rule::only("status", "cancelled", ResponseField::Finish),
            Rule::only("status", "queued", ResponseField::Pending).of(""),
            Rule::only("status", "in_progress", ResponseField::Pending).of(""),
            Rule::at("incomplete_details.reason", ResponseField::FinishDetail),
            Rule::at("response.status", ResponseField::Finish).of("response.completed"),
            Rule::at("response.status", ResponseField::Finish).of("response.failed"),
            Rule::at("response.status", ResponseField::Finish).of("response.incomplete"),
            Rule::at("response.incomplete_details.reason", ResponseField::FinishDetail),
            Rule::at("usage.input_tokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.output_tokens", ResponseField::Usage(Count::Output)),
            Rule::at("usage.total_tokens", ResponseField::Usage(Count::Total)),
            Rule::at("usage.input_tokens_details.cached_tokens", ResponseField::Usage(Count::CacheRead)),
            Rule::at(
                "usage.input_tokens_details.cache_write_tokens",
                ResponseField::Usage(Count::CacheWrite),
            ),
            Rule::at("usage.output_tokens_details.reasoning_tokens", ResponseField::Usage(Count::Reasoning)),
            Rule::at("response.usage.input_tokens", ResponseField::Usage(Count::Input)),
            Rule::at("response.usage.output_tokens", ResponseField::Usage(Count::Output)),
            Rule::at("response.usage.total_tokens", ResponseField::Usage(Count::Total)),
            Rule::at(
                "response.usage.input_tokens_details.cached_tokens",
                ResponseField::Usage(Count::CacheRead),
            ),
            Rule::at(
                "response.usage.input_tokens_details.cache_write_tokens",
                ResponseField::Usage(Count::CacheWrite),
            ),
            Rule::at(
                "response.usage.output_tokens_details.reasoning_tokens",
                ResponseField::Usage(Count::Reasoning),
            ),
            // The image tool bills its own model's tokens.
            Rule::at(
                "tool_usage.image_gen.output_tokens_details.image_tokens",
                ResponseField::Usage(Count::ToolImageOutput),
            ),
            Rule::at(
                "response.tool_usage.image_gen.output_tokens_details.image_tokens",
                ResponseField::Usage(Count::ToolImageOutput),
            ),
            Rule::at("service_tier", ResponseField::PriceTerm(PriceTerm::Tier)),
            Rule::at("response.service_tier", ResponseField::PriceTerm(PriceTerm::Tier)),
            Rule::at("usage.cost_in_usd_ticks", ResponseField::StatedCost(CostUnit::Tick)),
            Rule::at("response.usage.cost_in_usd_ticks", ResponseField::StatedCost(CostUnit::Tick)),
            Rule::at("response.error", ResponseField::Error),
            Rule::at("response.error.code", ResponseField::ErrorCode),
            Rule::only("type", "error", ResponseField::Error),
            Rule::at("code", ResponseField::ErrorCode).of("error"),
            Rule::only("type", "response.completed", ResponseField::Last),
            Rule::only("type", "response.failed", ResponseField::Last),
            Rule::only("type", "response.incomplete", ResponseField::Last),
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
