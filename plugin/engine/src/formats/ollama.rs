//! Ollama's own API (<https://github.com/ollama/ollama/blob/main/docs/api.md>): NDJSON streams unless the request says
//! otherwise; counts on the line that is `done`, the prompt's left out where it was cached (older versions).

use super::{BLANK, Choices, Field, Format, Operation, Rule, Tools};
use crate::estimate::Frame;
use crate::usage::Count;

/// `POST /api/chat`
pub const CHAT: Format = Format {
    name: "ollama_chat",
    provider: "ollama",
    operation: Operation::Chat,
    claims: &["*/api/chat"],
    request: &[super::ASKED, PROMPT],
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
    request: &[super::ASKED, super::INPUTS],
    response: &[&[
        Rule::at("model", Field::Model),
        Rule::at("embeddings[]", Field::Item),
        Rule::at("embedding", Field::Item),
        Rule::at("prompt_eval_count", Field::Usage(Count::Input)),
        Rule::at("error", Field::Error),
    ]],
    choices: Choices::Counted,
    tools: Tools::None,
    ..CHAT
};

/// What goes to the model.
const PROMPT: &[Rule] = &[
    Rule::at("messages[]", Field::Turn),
    Rule::at("messages[].role", Field::Role),
    Rule::at("messages[].content", Field::Text),
    Rule::at("prompt", Field::Text),
    Rule::at("system", Field::System),
    Rule::at("tools.**", Field::Schema),
];

const RESPONSE: &[Rule] = &[
    Rule::at("model", Field::Model),
    Rule::at("message.content", Field::Text),
    Rule::at("message.thinking", Field::Generated),
    Rule::at("message.tool_calls[]", Field::ToolCall),
    Rule::at("message.tool_calls[]", Field::Generated),
    Rule::at("message.tool_calls[].function.arguments.**", Field::Generated),
    Rule::at("response", Field::Text),
    Rule::at("thinking", Field::Generated),
    Rule::at("prompt_eval_count", Field::Usage(Count::Input)),
    Rule::at("eval_count", Field::Usage(Count::Output)),
    Rule::at("done_reason", Field::Finish),
    Rule::at("error", Field::Error),
    Rule::at("done", Field::Last),
];
