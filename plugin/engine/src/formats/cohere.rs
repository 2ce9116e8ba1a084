//! Cohere (<https://docs.cohere.com/reference/chat>). `tokens` is what the model saw, `billed_units` the same less the
//! chat template; where the first is silent the second counts.

use super::{BLANK, Choices, Field, Format, Operation, Rule, Tools};
use crate::estimate::Frame;
use crate::usage::Count;

/// What goes to the model.
const V2_PROMPT: &[Rule] = &[
    Rule::at("messages[]", Field::Turn),
    Rule::at("messages[].role", Field::Role),
    Rule::at("messages[].content", Field::Text),
    Rule::at("messages[].content[].text", Field::Text),
    Rule::at("messages[].tool_plan", Field::Text),
    Rule::at("messages[].tool_calls[].function.arguments", Field::Text),
    Rule::at("tools.**", Field::Schema),
    Rule::at("documents.**", Field::Document),
    Rule::at("response_format.**", Field::Schema),
];

/// Its template is long, and longer with tools.
const FRAME: Frame = Frame { text_percent: 100, prompt: 60, turn: 4, tools: 850, value_milli: 600, call: 27 };

/// The same in the first API.
pub(super) const V1_PROMPT: &[Rule] = &[
    Rule::at("preamble", Field::System),
    Rule::at("message", Field::Question),
    Rule::at("prompt", Field::Text),
    Rule::at("chat_history[]", Field::Turn),
    Rule::at("chat_history[].role", Field::Role),
    Rule::at("chat_history[].message", Field::Text),
    Rule::at("tools.**", Field::Schema),
    Rule::at("documents.**", Field::Document),
];

/// `POST /v2/chat`; streams tell usage in `message-end`.
pub const V2: Format = Format {
    name: "cohere_v2_chat",
    provider: "cohere",
    operation: Operation::Chat,
    claims: &["*/v2/chat"],
    request: &[super::ASKED, V2_PROMPT],
    response: &[&[
        Rule::at("message.content[].text", Field::Whole),
        Rule::at("message.content[].thinking", Field::WholeAside),
        Rule::at("message.tool_plan", Field::WholeAside),
        Rule::at("message.tool_calls[].function.arguments", Field::WholeAside),
        Rule::at("id", Field::Id),
        Rule::at("finish_reason", Field::Finish),
        Rule::at("delta.finish_reason", Field::Finish),
        Rule::at("message.tool_calls[]", Field::WholeToolCall),
        Rule::at("delta.message.tool_calls.function.name", Field::ToolCall),
        Rule::at("delta.message.content.text", Field::Text),
        Rule::at("delta.message.content.thinking", Field::Generated),
        Rule::at("delta.message.tool_plan", Field::Generated),
        Rule::at("delta.message.tool_calls.function.arguments", Field::Generated),
        Rule::at("usage.tokens.input_tokens", Field::Usage(Count::Input)),
        Rule::at("usage.tokens.output_tokens", Field::Usage(Count::Output)),
        Rule::at("usage.tokens.reasoning_tokens", Field::Usage(Count::Reasoning)),
        Rule::at("usage.cached_tokens", Field::Usage(Count::CacheRead)),
        Rule::at("usage.billed_units.input_tokens", Field::Metered(Count::Input)),
        Rule::at("usage.billed_units.output_tokens", Field::Metered(Count::Output)),
        Rule::at("delta.usage.tokens.input_tokens", Field::Usage(Count::Input)),
        Rule::at("delta.usage.tokens.output_tokens", Field::Usage(Count::Output)),
        Rule::at("delta.usage.tokens.reasoning_tokens", Field::Usage(Count::Reasoning)),
        Rule::at("delta.usage.cached_tokens", Field::Usage(Count::CacheRead)),
        Rule::at("delta.usage.billed_units.input_tokens", Field::Metered(Count::Input)),
        Rule::at("delta.usage.billed_units.output_tokens", Field::Metered(Count::Output)),
        Rule::at("error", Field::Error),
        Rule::at("delta.error", Field::Error),
        Rule::only("type", "message-end", Field::Last),
    ]],
    choices: Choices::One,
    frame: FRAME,
    tools: Tools::Always,
    ..BLANK
};

/// `POST /v1/chat` and `/v1/generate`; streams are NDJSON whose last line repeats the whole reply.
pub const V1: Format = Format {
    name: "cohere_v1_chat",
    provider: "cohere",
    operation: Operation::Chat,
    claims: &["*/v1/chat"],
    request: &[super::ASKED, V1_PROMPT],
    frame: FRAME,
    response: &[V1_RESPONSE],
    choices: Choices::Counted,
    tools: Tools::WithChoices,
    ..BLANK
};

/// `POST /v1/generate`
pub const V1_GENERATE: Format = Format {
    name: "cohere_v1_generate",
    provider: "cohere",
    operation: Operation::TextCompletion,
    claims: &["*/v1/generate"],
    request: &[super::ASKED, V1_PROMPT],
    response: &[V1_RESPONSE],
    choices: Choices::Counted,
    tools: Tools::WithChoices,
    ..BLANK
};

const V1_RESPONSE: &[Rule] = &[
    Rule::at("id", Field::Id),
    Rule::at("response_id", Field::Id),
    Rule::at("response.response_id", Field::Id),
    Rule::at("response.id", Field::Id),
    // Only the last line of a stream tells that there is an answer.
    Rule::at("finish_reason", Field::Choice),
    Rule::at("finish_reason", Field::Finish),
    Rule::at("generations[]", Field::Choice),
    Rule::at("generations[].finish_reason", Field::Finish),
    // Streams tell calls in an event of their own and repeat them at the end.
    Rule::at("tool_calls[]", Field::ToolCall),
    Rule::at("response.tool_calls[]", Field::WholeToolCall),
    Rule::at("text", Field::Text),
    Rule::at("generations[].text", Field::Whole),
    Rule::at("meta.tokens.input_tokens", Field::Usage(Count::Input)),
    Rule::at("meta.tokens.output_tokens", Field::Usage(Count::Output)),
    Rule::at("meta.billed_units.input_tokens", Field::Metered(Count::Input)),
    Rule::at("meta.billed_units.output_tokens", Field::Metered(Count::Output)),
    Rule::at("response.meta.tokens.input_tokens", Field::Usage(Count::Input)),
    Rule::at("response.meta.tokens.output_tokens", Field::Usage(Count::Output)),
    Rule::at("response.meta.billed_units.input_tokens", Field::Metered(Count::Input)),
    Rule::at("response.meta.billed_units.output_tokens", Field::Metered(Count::Output)),
    Rule::at("is_finished", Field::Last),
];

/// `POST /v1/embed` and `/v2/embed`
pub const EMBED: Format = Format {
    name: "cohere_embed",
    provider: "cohere",
    operation: Operation::Embeddings,
    claims: &["*/v1/embed", "*/v2/embed"],
    request: &[super::ASKED, &[Rule::at("texts[]", Field::Text)]],
    response: &[&[
        Rule::at("id", Field::Id),
        Rule::at("embeddings[]", Field::Item),
        Rule::at("meta.billed_units.input_tokens", Field::Metered(Count::Input)),
    ]],
    choices: Choices::Counted,
    ..BLANK
};
