//! Cohere (<https://docs.cohere.com/reference/chat>). `tokens` is what the model saw, `billed_units` the same less the
//! chat template; where the first is silent the second counts.

use super::{
    BLANK, Choices, Format, Operation, ROLES, RequestField, RequestRule, ResponseField, ResponseRule, Role,
    RoleWords, Rule, Tools,
};
use crate::estimate::Frame;
use crate::usage::Count;

/// The rules for the prompt.
const V2_PROMPT: &[RequestRule] = &[
    Rule::at("messages[]", RequestField::Turn),
    Rule::at("messages[].role", RequestField::Role),
    Rule::at("messages[].content", RequestField::Text),
    Rule::at("messages[].content[].text", RequestField::Text),
    Rule::at("messages[].tool_plan", RequestField::Text),
    Rule::at("messages[].tool_calls[].function.arguments", RequestField::Text),
    Rule::at("tools.**", RequestField::Schema),
    Rule::at("documents.**", RequestField::Document),
    Rule::at("response_format.**", RequestField::Schema),
];

/// Its template is long, and longer with tools.
const FRAME: Frame = Frame { text_percent: 100, prompt: 60, turn: 4, tools: 850, value_milli: 600, call: 27 };

/// The rules for the prompt in the first version of the API.
pub(super) const V1_PROMPT: &[RequestRule] = &[
    Rule::at("preamble", RequestField::System),
    Rule::at("message", RequestField::Question),
    Rule::at("prompt", RequestField::Text),
    Rule::at("chat_history[]", RequestField::Turn),
    Rule::at("chat_history[].role", RequestField::Role),
    Rule::at("chat_history[].message", RequestField::Text),
    Rule::at("tools.**", RequestField::Schema),
    Rule::at("documents.**", RequestField::Document),
];

/// The first API's word for the model.
pub(super) const V1_ROLES: &[RoleWords] = &[ROLES, &[("chatbot", Role::Model)]];

/// `POST /v2/chat`; streams report usage in `message-end`.
pub const V2: Format = Format {
    name: "cohere_v2_chat",
    provider: "cohere",
    operation: Operation::Chat,
    claims: &["*/v2/chat"],
    request: &[super::MODEL, V2_PROMPT],
    response: &[&[
        Rule::at("message.content[].text", ResponseField::Whole),
        Rule::at("message.content[].thinking", ResponseField::WholeAside),
        Rule::at("message.tool_plan", ResponseField::WholeAside),
        Rule::at("message.tool_calls[].function.arguments", ResponseField::WholeAside),
        Rule::at("id", ResponseField::Id),
        Rule::at("finish_reason", ResponseField::Finish),
        Rule::at("delta.finish_reason", ResponseField::Finish),
        Rule::at("message.tool_calls[]", ResponseField::WholeToolCall),
        Rule::at("delta.message.tool_calls.function.name", ResponseField::ToolCall),
        Rule::at("delta.message.content.text", ResponseField::Text),
        Rule::at("delta.message.content.thinking", ResponseField::Generated),
        Rule::at("delta.message.tool_plan", ResponseField::Generated),
        Rule::at("delta.message.tool_calls.function.arguments", ResponseField::Generated),
        Rule::at("usage.tokens.input_tokens", ResponseField::Usage(Count::Input)),
        Rule::at("usage.tokens.output_tokens", ResponseField::Usage(Count::Output)),
        Rule::at("usage.tokens.reasoning_tokens", ResponseField::Usage(Count::Reasoning)),
        Rule::at("usage.cached_tokens", ResponseField::Usage(Count::CacheRead)),
        Rule::at("usage.billed_units.input_tokens", ResponseField::Metered(Count::Input)),
        Rule::at("usage.billed_units.output_tokens", ResponseField::Metered(Count::Output)),
        Rule::at("delta.usage.tokens.input_tokens", ResponseField::Usage(Count::Input)),
        Rule::at("delta.usage.tokens.output_tokens", ResponseField::Usage(Count::Output)),
        Rule::at("delta.usage.tokens.reasoning_tokens", ResponseField::Usage(Count::Reasoning)),
        Rule::at("delta.usage.cached_tokens", ResponseField::Usage(Count::CacheRead)),
        Rule::at("delta.usage.billed_units.input_tokens", ResponseField::Metered(Count::Input)),
        Rule::at("delta.usage.billed_units.output_tokens", ResponseField::Metered(Count::Output)),
        Rule::at("error", ResponseField::Error),
        Rule::at("delta.error", ResponseField::Error),
        Rule::only("type", "message-end", ResponseField::Last),
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
    request: &[super::MODEL, V1_PROMPT],
    roles: V1_ROLES,
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
    request: &[super::MODEL, V1_PROMPT],
    roles: V1_ROLES,
    response: &[V1_RESPONSE],
    choices: Choices::Counted,
    tools: Tools::WithChoices,
    ..BLANK
};

const V1_RESPONSE: &[ResponseRule] = &[
    Rule::at("id", ResponseField::Id),
    Rule::at("response_id", ResponseField::Id),
    Rule::at("response.response_id", ResponseField::Id),
    Rule::at("response.id", ResponseField::Id),
    // Only the last line of a stream shows that there is an answer.
    Rule::at("finish_reason", ResponseField::Choice),
    Rule::at("finish_reason", ResponseField::Finish),
    Rule::at("generations[]", ResponseField::Choice),
    Rule::at("generations[].finish_reason", ResponseField::Finish),
    // Streams send calls in an event of their own and repeat them at the end.
    Rule::at("tool_calls[]", ResponseField::ToolCall),
    Rule::at("response.tool_calls[]", ResponseField::WholeToolCall),
    Rule::at("text", ResponseField::Text),
    Rule::at("generations[].text", ResponseField::Whole),
    Rule::at("meta.tokens.input_tokens", ResponseField::Usage(Count::Input)),
    Rule::at("meta.tokens.output_tokens", ResponseField::Usage(Count::Output)),
    Rule::at("meta.billed_units.input_tokens", ResponseField::Metered(Count::Input)),
    Rule::at("meta.billed_units.output_tokens", ResponseField::Metered(Count::Output)),
    Rule::at("response.meta.tokens.input_tokens", ResponseField::Usage(Count::Input)),
    Rule::at("response.meta.tokens.output_tokens", ResponseField::Usage(Count::Output)),
    Rule::at("response.meta.billed_units.input_tokens", ResponseField::Metered(Count::Input)),
    Rule::at("response.meta.billed_units.output_tokens", ResponseField::Metered(Count::Output)),
    Rule::at("is_finished", ResponseField::Last),
];

/// `POST /v1/embed` and `/v2/embed`
pub const EMBED: Format = Format {
    name: "cohere_embed",
    provider: "cohere",
    operation: Operation::Embeddings,
    claims: &["*/v1/embed", "*/v2/embed"],
    request: &[super::MODEL, &[Rule::at("texts[]", RequestField::Text)]],
    response: &[&[
        Rule::at("id", ResponseField::Id),
        Rule::at("embeddings[]", ResponseField::Item),
        Rule::at("meta.billed_units.input_tokens", ResponseField::Metered(Count::Input)),
    ]],
    choices: Choices::Counted,
    ..BLANK
};
