//! Gemini interactions (<https://ai.google.dev/gemini-api/docs/interactions>): usage with the final event; the input
//! leaves out tool use, the output leaves out thoughts.

use super::gemini::{CACHED, INPUT, MODEL_ROLE, OUTPUT, OWN_CUT_OFF_SIGNS};
use super::{
    BLANK, CUT_OFF_SIGNS, Format, Operation, ROLES, RequestField, RequestRule, ResponseField, Role,
    RoleWords, Rule, Tools,
};
use crate::usage::Count;

/// The rules for the prompt.
const PROMPT: &[RequestRule] = &[
    Rule::at("system_instruction", RequestField::System),
    Rule::at("input", RequestField::Text),
    Rule::at("input[]", RequestField::Turn),
    Rule::at("input[].role", RequestField::Role),
    Rule::at("input[].type", RequestField::Role),
    Rule::at("input[].text", RequestField::Text),
    Rule::at("input[].content", RequestField::Text),
    Rule::at("input[].content[].text", RequestField::Text),
    Rule::at("input[].result.**", RequestField::ToolResult),
    Rule::at("tools.**", RequestField::Schema),
    Rule::at("response_format.**", RequestField::Schema),
];

/// Steps name their speaker by what they are.
const STEPS: RoleWords = &[
    ("user_input", Role::User),
    ("function_result", Role::Tool),
    ("model_output", Role::Model),
    ("function_call", Role::Model),
    ("thought", Role::Model),
];

/// `POST …/interactions`
pub const FORMAT: Format = Format {
    name: "gemini_interactions",
    provider: "gcp.gemini",
    operation: Operation::GenerateContent,
    claims: &["*/interactions"],
    kind: "event_type",
    request: &[super::MODEL, PROMPT],
    roles: &[ROLES, MODEL_ROLE, STEPS],
    response: &[&[
        Rule::at("outputs[].text", ResponseField::Whole),
        Rule::at("steps[].content[].text", ResponseField::Whole),
        Rule::at("id", ResponseField::Id),
        Rule::at("model", ResponseField::Model),
        // Streams report `in_progress` under the same name.
        Rule::at("status", ResponseField::Finish).of(""),
        Rule::only("steps[].type", "function_call", ResponseField::WholeToolCall),
        Rule::only("outputs[].type", "function_call", ResponseField::WholeToolCall),
        Rule::at("interaction.id", ResponseField::Id),
        Rule::at("interaction.model", ResponseField::Model),
        Rule::at("interaction.status", ResponseField::Finish).of("interaction.completed"),
        Rule::only("step.type", "function_call", ResponseField::ToolCall).of("step.start"),
        // The older events, of answers that have outputs.
        Rule::at("interaction.status", ResponseField::Finish).of("interaction.complete"),
        Rule::only("delta.type", "function_call", ResponseField::ToolCall).of("content.delta"),
        Rule::at("delta.text", ResponseField::Text),
        Rule::at("delta", ResponseField::Generated),
        Rule::at("usage.total_input_tokens", ResponseField::Usage(Count::Input)),
        Rule::at("usage.total_output_tokens", ResponseField::Usage(Count::Output)),
        Rule::at("usage.total_tokens", ResponseField::Usage(Count::Total)),
        Rule::at("usage.total_cached_tokens", ResponseField::Usage(Count::CacheRead)),
        Rule::at("usage.total_thought_tokens", ResponseField::Usage(Count::Reasoning)),
        Rule::at("usage.total_tool_use_tokens", ResponseField::Usage(Count::ToolUseInput)),
        Rule::at("usage.input_tokens_by_modality[].modality", ResponseField::Modality(INPUT)),
        Rule::at("usage.input_tokens_by_modality[].tokens", ResponseField::UsageOf(INPUT)),
        Rule::at("usage.cached_tokens_by_modality[].modality", ResponseField::Modality(CACHED)),
        Rule::at("usage.cached_tokens_by_modality[].tokens", ResponseField::UsageOf(CACHED)),
        Rule::at("usage.output_tokens_by_modality[].modality", ResponseField::Modality(OUTPUT)),
        Rule::at("usage.output_tokens_by_modality[].tokens", ResponseField::UsageOf(OUTPUT)),
        Rule::at("interaction.usage.total_input_tokens", ResponseField::Usage(Count::Input)),
        Rule::at("interaction.usage.total_output_tokens", ResponseField::Usage(Count::Output)),
        Rule::at("interaction.usage.total_tokens", ResponseField::Usage(Count::Total)),
        Rule::at("interaction.usage.total_cached_tokens", ResponseField::Usage(Count::CacheRead)),
        Rule::at("interaction.usage.total_thought_tokens", ResponseField::Usage(Count::Reasoning)),
        Rule::at("interaction.usage.total_tool_use_tokens", ResponseField::Usage(Count::ToolUseInput)),
        Rule::at("interaction.usage.input_tokens_by_modality[].modality", ResponseField::Modality(INPUT)),
        Rule::at("interaction.usage.input_tokens_by_modality[].tokens", ResponseField::UsageOf(INPUT)),
        Rule::at("interaction.usage.cached_tokens_by_modality[].modality", ResponseField::Modality(CACHED)),
        Rule::at("interaction.usage.cached_tokens_by_modality[].tokens", ResponseField::UsageOf(CACHED)),
        Rule::at("interaction.usage.output_tokens_by_modality[].modality", ResponseField::Modality(OUTPUT)),
        Rule::at("interaction.usage.output_tokens_by_modality[].tokens", ResponseField::UsageOf(OUTPUT)),
        Rule::at("error", ResponseField::Error),
        Rule::at("error.status", ResponseField::ErrorType),
        Rule::at("error.code", ResponseField::ErrorCode),
    ]],
    frame: super::gemini::FRAME,
    input_tokens: &[Count::Input, Count::ToolUseInput],
    output_tokens: &[Count::Output, Count::Reasoning],
    tools: Tools::Always,
    cut_off_signs: &[CUT_OFF_SIGNS, OWN_CUT_OFF_SIGNS],
    ..BLANK
};
