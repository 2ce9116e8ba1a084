//! Ollama's own API (<https://github.com/ollama/ollama/blob/main/docs/api.md>): NDJSON streams unless the request says
//! otherwise; counts on the line that is `done`, the prompt's left out where it was cached (older versions).

use super::{
    BLANK, Choices, Format, Operation, RequestField, RequestRule, ResponseField, ResponseRule, Rule, Tools,
};
use crate::estimate::Frame;
use crate::usage::Count;

/// `POST /api/chat`
pub const CHAT: Format = Format {
    name: "ollama_chat",
    provider: "ollama",
    operation: Operation::Chat,
    claims: &["*/api/chat"],
    request: &[super::MODEL, PROMPT],
    response: &[RESPONSE],
    choices: Choices::One,
    frame: super::CHAT_FRAME,
    tools: Tools::Always,
    ..BLANK
};

/// `POST /api/generate`
pub const GENERATE: Format = Format {
    name: "ollama_generate",
    operation: Operation::TextCompletion,
    claims: &["*/api/generate"],
    tools: Tools::InStreams,
    ..CHAT
};

/// `POST /api/embed` and the older `/api/embeddings`
pub const EMBED: Format = Format {
    name: "ollama_embed",
    operation: Operation::Embeddings,
    frame: Frame::NONE,
    claims: &["*/api/embed", "*/api/embeddings"],
    request: &[super::MODEL, super::INPUTS],
    response: &[&[
        Rule::at("model", ResponseField::Model),
        Rule::at("embeddings[]", ResponseField::Item),
        Rule::at("embedding", ResponseField::Item),
        Rule::at("prompt_eval_count", ResponseField::Usage(Count::Input)),
        Rule::at("error", ResponseField::Error),
    ]],
    choices: Choices::Counted,
    tools: Tools::None,
    ..CHAT
};

/// The rules for the prompt.
const PROMPT: &[RequestRule] = &[
    Rule::at("messages[]", RequestField::Turn),
    Rule::at("messages[].role", RequestField::Role),
    Rule::at("messages[].content", RequestField::Text),
    Rule::at("prompt", RequestField::Text),
    Rule::at("system", RequestField::System),
    Rule::at("tools.**", RequestField::Schema),
];

const RESPONSE: &[ResponseRule] = &[
    Rule::at("model", ResponseField::Model),
    Rule::at("message.content", ResponseField::Text),
    Rule::at("message.thinking", ResponseField::Generated),
    Rule::at("message.tool_calls[]", ResponseField::ToolCall),
    Rule::at("message.tool_calls[]", ResponseField::Generated),
    Rule::at("message.tool_calls[].function.arguments.**", ResponseField::Generated),
    Rule::at("response", ResponseField::Text),
    Rule::at("thinking", ResponseField::Generated),
    Rule::at("prompt_eval_count", ResponseField::Usage(Count::Input)),
    Rule::at("eval_count", ResponseField::Usage(Count::Output)),
    Rule::at("done_reason", ResponseField::Finish),
    Rule::at("error", ResponseField::Error),
    Rule::at("done", ResponseField::Last),
];
