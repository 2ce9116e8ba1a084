//! The wire formats: one const row each, and how a request finds its row.
//!
//! A provider's rules live in its row and nowhere else; what reads the rows knows no provider. To add one, write
//! `formats/<name>.rs`, name it below twice (a module and an entry in [`ALL`]) and add its cases.

mod anthropic_complete;
mod anthropic_messages;
mod hosts;
mod openai_chat;
mod openai_completions;
mod openai_embeddings;

use crate::scan::Paths;
use crate::usage::{Count, Merge};

pub use hosts::provider_of;

/// Every row. Where two claim a path, the longer claim wins.
pub const ALL: &[&Format] = &[
    &anthropic_complete::FORMAT,
    &anthropic_messages::FORMAT,
    &anthropic_messages::COUNT_TOKENS,
    &openai_chat::FORMAT,
    &openai_completions::FORMAT,
    &openai_embeddings::FORMAT,
];

/// One wire format.
#[derive(Debug)]
pub struct Format {
    /// Its name in configurations.
    pub name: &'static str,
    /// Who is taken to speak it where neither a rule nor the host says.
    pub provider: &'static str,
    /// `gen_ai.operation.name`
    pub operation: Operation,
    /// Ends of the paths it is served at, without the query.
    pub claims: &'static [&'static str],
    /// What is read from the request's body.
    pub request: &'static [Rule],
    /// What is read from each document of the response's body.
    pub response: &'static [Rule],
    /// How usage objects follow one another.
    pub merge: Merge,
    /// What makes up all input: the main number first, then what it leaves out.
    pub input_tokens: &'static [Count],
    /// What makes up all output.
    pub output_tokens: &'static [Count],
    /// What the number of choices is.
    pub choices: Choices,
    /// Whether answers can ask for tool calls.
    pub has_tools: bool,
    /// Whether an answer is expected to tell its usage.
    pub has_usage: bool,
}

/// `gen_ai.operation.name`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A conversation.
    Chat,
    /// The continuation of a prompt.
    TextCompletion,
    /// Vectors for texts.
    Embeddings,
    /// The size of a prompt; not an inference, its number is never usage.
    CountTokens,
}

impl Operation {
    /// The label value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::TextCompletion => "text_completion",
            Self::Embeddings => "embeddings",
            Self::CountTokens => "count_tokens",
        }
    }
}

/// What the number of choices is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choices {
    /// As many as were told apart.
    Counted,
    /// An answer is one choice.
    One,
    /// The word has no meaning here.
    None,
}

/// One wanted place and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Where, as [`Paths`] has it.
    pub path: &'static str,
    /// What.
    pub field: Field,
    /// Only if the value is exactly this.
    pub only: Option<&'static str>,
}

/// What a place says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The model: asked for (request; the last one counts) or answering (response; the first one counts).
    Model,
    /// Whether a stream is asked for.
    Stream,
    /// The response's id; the first one counts.
    Id,
    /// A token count.
    Usage(Count),
    /// A choice begins.
    Choice,
    /// One of many answers that have no number, such as a vector.
    Item,
    /// The number of the choice it stands in; without one, a choice's place in its array is its number.
    ChoiceIndex,
    /// Why the choice it stands in ended.
    Finish,
    /// Visible text.
    Text,
    /// Something else that was generated: reasoning, a refusal, arguments of a tool call.
    Generated,
    /// A call the client is asked to run; counted once for each non-empty value.
    ToolCall,
    /// An error is told.
    Error,
    /// Its class.
    ErrorType,
    /// Its code.
    ErrorCode,
    /// The protocol's last mark.
    Last,
}

impl Rule {
    /// Wants the place at `path`.
    pub const fn at(path: &'static str, field: Field) -> Self {
        Self { path, field, only: None }
    }

    /// Wants the place at `path` where its value is `only`.
    pub const fn only(path: &'static str, only: &'static str, field: Field) -> Self {
        Self { path, field, only: Some(only) }
    }

    /// Bytes of a string that are enough for the field; 0 where only its presence counts.
    const fn text_bytes(&self) -> usize {
        match (self.field, self.only) {
            (_, Some(only)) => only.len().saturating_add(1),
            (Field::Text | Field::Generated | Field::ToolCall | Field::Error, None) => 0,
            _ => crate::limits::SCALAR_BYTES_MAX,
        }
    }
}

/// The request fields nearly every provider shares.
pub(crate) const REQUEST: &[Rule] = &[Rule::at("model", Field::Model), Rule::at("stream", Field::Stream)];

/// The row whose claim fits `path` best. The query is no part of a claim.
pub fn claimed(path: &str) -> Option<&'static Format> {
    let path = path.split('?').next().unwrap_or(path);
    let claims = ALL.iter().flat_map(|format| format.claims.iter().map(move |claim| (*claim, *format)));
    claims
        .filter(|(claim, _)| path.ends_with(claim))
        .max_by_key(|(claim, _)| claim.len())
        .map(|(_, format)| format)
}

/// The row of this name.
pub fn named(name: &str) -> Option<&'static Format> {
    ALL.iter().copied().find(|format| format.name == name)
}

/// The places `rules` want.
pub fn paths(rules: &[Rule]) -> Paths {
    let mut paths = Paths::default();
    for (number, rule) in (0u16..).zip(rules) {
        paths.add(rule.path, number, rule.text_bytes());
    }
    paths
}

/// The names of all rows, for messages.
pub fn names() -> String {
    let names: Vec<_> = ALL.iter().map(|format| format.name).collect();
    names.join(", ")
}
