//! Gemini interactions (<https://ai.google.dev/gemini-api/docs/interactions>): usage with the final event; the input
//! leaves out tool use, the output leaves out thoughts.

use super::gemini::{CACHED, INPUT, OUTPUT};
use super::{BLANK, Field, Format, Operation, Rule, Tools};
use crate::usage::Count;

/// What goes to the model.
const PROMPT: &[Rule] = &[
    Rule::at("system_instruction", Field::System),
    Rule::at("input", Field::Text),
    Rule::at("input[]", Field::Turn),
    Rule::at("input[].role", Field::Role),
    Rule::at("input[].type", Field::Role),
    Rule::at("input[].text", Field::Text),
    Rule::at("input[].content", Field::Text),
    Rule::at("input[].content[].text", Field::Text),
    Rule::at("input[].result.**", Field::ToolResult),
    Rule::at("tools.**", Field::Schema),
    Rule::at("response_format.**", Field::Schema),
];

/// `POST …/interactions`
pub const FORMAT: Format = Format {
    name: "gemini_interactions",
    provider: "gcp.gemini",
    operation: Operation::GenerateContent,
    claims: &["*/interactions"],
    kind: "event_type",
    request: &[super::ASKED, PROMPT],
    response: &[&[
        Rule::at("outputs[].text", Field::Whole),
        Rule::at("steps[].content[].text", Field::Whole),
        Rule::at("id", Field::Id),
        Rule::at("model", Field::Model),
        // Streams tell in_progress under the same name.
        Rule::at("status", Field::Finish).of(""),
        Rule::only("steps[].type", "function_call", Field::WholeToolCall),
        Rule::only("outputs[].type", "function_call", Field::WholeToolCall),
        Rule::at("interaction.id", Field::Id),
        Rule::at("interaction.model", Field::Model),
        Rule::at("interaction.status", Field::Finish).of("interaction.completed"),
        Rule::only("step.type", "function_call", Field::ToolCall).of("step.start"),
        // The older events, of answers that have outputs.
        Rule::at("interaction.status", Field::Finish).of("interaction.complete"),
        Rule::only("delta.type", "function_call", Field::ToolCall).of("content.delta"),
        Rule::at("delta.text", Field::Text),
        Rule::at("delta", Field::Generated),
        Rule::at("usage.total_input_tokens", Field::Usage(Count::Input)),
        Rule::at("usage.total_output_tokens", Field::Usage(Count::Output)),
        Rule::at("usage.total_tokens", Field::Usage(Count::Total)),
        Rule::at("usage.total_cached_tokens", Field::Usage(Count::CacheRead)),
        Rule::at("usage.total_thought_tokens", Field::Usage(Count::Reasoning)),
        Rule::at("usage.total_tool_use_tokens", Field::Usage(Count::ToolUseInput)),
        Rule::at("usage.input_tokens_by_modality[].modality", Field::Modality(INPUT)),
        Rule::at("usage.input_tokens_by_modality[].tokens", Field::UsageOf(INPUT)),
        Rule::at("usage.cached_tokens_by_modality[].modality", Field::Modality(CACHED)),
        Rule::at("usage.cached_tokens_by_modality[].tokens", Field::UsageOf(CACHED)),
        Rule::at("usage.output_tokens_by_modality[].modality", Field::Modality(OUTPUT)),
        Rule::at("usage.output_tokens_by_modality[].tokens", Field::UsageOf(OUTPUT)),
        Rule::at("interaction.usage.total_input_tokens", Field::Usage(Count::Input)),
        Rule::at("interaction.usage.total_output_tokens", Field::Usage(Count::Output)),
        Rule::at("interaction.usage.total_tokens", Field::Usage(Count::Total)),
        Rule::at("interaction.usage.total_cached_tokens", Field::Usage(Count::CacheRead)),
        Rule::at("interaction.usage.total_thought_tokens", Field::Usage(Count::Reasoning)),
        Rule::at("interaction.usage.total_tool_use_tokens", Field::Usage(Count::ToolUseInput)),
        Rule::at("interaction.usage.input_tokens_by_modality[].modality", Field::Modality(INPUT)),
        Rule::at("interaction.usage.input_tokens_by_modality[].tokens", Field::UsageOf(INPUT)),
        Rule::at("interaction.usage.cached_tokens_by_modality[].modality", Field::Modality(CACHED)),
        Rule::at("interaction.usage.cached_tokens_by_modality[].tokens", Field::UsageOf(CACHED)),
        Rule::at("interaction.usage.output_tokens_by_modality[].modality", Field::Modality(OUTPUT)),
        Rule::at("interaction.usage.output_tokens_by_modality[].tokens", Field::UsageOf(OUTPUT)),
        Rule::at("error", Field::Error),
        Rule::at("error.status", Field::ErrorType),
        Rule::at("error.code", Field::ErrorCode),
    ]],
    frame: super::gemini::FRAME,
    input_tokens: &[Count::Input, Count::ToolUseInput],
    output_tokens: &[Count::Output, Count::Reasoning],
    tools: Tools::Always,
    ..BLANK
};
