//! The wire formats: one const row each, and how a request finds its row.
//!
//! A provider's rules live in its row and nowhere else; what reads the rows knows no provider. To add one, write
//! `formats/<name>.rs`, name it below twice (a module and an entry in [`ALL`]) and add its cases.

mod anthropic_complete;
mod anthropic_messages;
mod asking;
mod bedrock_converse;
mod bedrock_invoke;
mod claims;
mod cohere;
mod gemini;
mod gemini_interactions;
mod hosts;
mod misc;
mod ollama;
mod openai_audio;
mod openai_chat;
mod openai_completions;
mod openai_embeddings;
mod openai_images;
mod openai_moderations;
mod openai_responses;
mod other;
mod rerank;
mod tgi;
mod watsonx;
mod words;

use crate::estimate::Frame;
use crate::scan::Paths;
use crate::usage::{Convention, Count, Merge};

pub use asking::Asking;
pub use claims::{claimed, may_ask};
pub use hosts::{provider_of, providers};
pub use words::{Choices, Operation, Tools};

/// Every row. Where two claim a path, the longer claim wins.
pub const ALL: &[&Format] = &[
    &anthropic_complete::FORMAT,
    &anthropic_messages::FORMAT,
    &anthropic_messages::COUNT_TOKENS,
    &bedrock_converse::FORMAT,
    &bedrock_converse::COUNT_TOKENS,
    &bedrock_invoke::ANTHROPIC,
    &bedrock_invoke::NOVA,
    &bedrock_invoke::TITAN,
    &bedrock_invoke::LLAMA,
    &bedrock_invoke::COHERE,
    &bedrock_invoke::MISTRAL,
    &bedrock_invoke::COHERE_TEXT,
    &bedrock_invoke::EMBEDDINGS,
    &bedrock_invoke::JURASSIC,
    &bedrock_invoke::CHAT,
    &bedrock_invoke::MISTRAL_CHAT,
    &cohere::V2,
    &cohere::V1,
    &cohere::V1_GENERATE,
    &cohere::EMBED,
    &gemini::FORMAT,
    &gemini::COUNT_TOKENS,
    &gemini::EMBEDDINGS,
    &gemini::IMAGES,
    &gemini_interactions::FORMAT,
    &misc::ALEPH_ALPHA,
    &misc::REPLICATE,
    &ollama::CHAT,
    &ollama::GENERATE,
    &ollama::EMBED,
    &openai_audio::TRANSCRIPTION,
    &openai_audio::SPEECH,
    &openai_chat::FORMAT,
    &openai_completions::FORMAT,
    &openai_embeddings::FORMAT,
    &openai_images::FORMAT,
    &openai_moderations::FORMAT,
    &openai_responses::FORMAT,
    &openai_responses::COUNT_TOKENS,
    &other::FORMAT,
    &rerank::FORMAT,
    &tgi::FORMAT,
    &tgi::SAGEMAKER,
    &watsonx::FORMAT,
    &watsonx::CHAT,
];

/// One wire format.
#[derive(Debug)]
pub struct Format {
    /// Its name in configurations.
    pub name: &'static str,
    /// Who is taken to speak it where neither a rule nor the host nor the response says.
    pub provider: &'static str,
    /// `gen_ai.operation.name`
    pub operation: Operation,
    /// Patterns for the host and path it is served at, without the query: `*/v1/messages`.
    pub claims: &'static [&'static str],
    /// What stands before and behind the model in paths that name it.
    pub model_in_path: Option<(&'static str, &'static str)>,
    /// What is read from the request's body.
    pub request: &'static [&'static [Rule]],
    /// Where each document of the response names its kind, for rules that ask for one.
    pub kind: &'static str,
    /// What is read from each document of the response's body.
    pub response: &'static [&'static [Rule]],
    /// What is read from the response's head.
    pub headers: &'static [(&'static str, Field)],
    /// Whether a JSON array is a stream of documents rather than one.
    pub array_is_stream: bool,
    /// How usage objects follow one another.
    pub merge: Merge,
    /// What makes up all input: the main number first, then what it leaves out.
    pub input_tokens: &'static [Count],
    /// What makes up all output.
    pub output_tokens: &'static [Count],
    /// What the number of choices is.
    pub choices: Choices,
    /// Which answers can ask for tool calls.
    pub tools: Tools,
    /// How a stream is asked for its usage, where it only tells it on request.
    pub asks_usage: Option<Asking>,
    /// Whether an answer is expected to tell its usage.
    pub has_usage: bool,
    /// Whether the total is all input, where it comes alone.
    pub total_is_input: bool,
    /// What it adds to the tokens of its texts, for estimates.
    pub frame: Frame,
}

impl Format {
    /// How its counts add up.
    pub fn convention(&self) -> Convention {
        Convention {
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            total_is_input: self.total_is_input,
        }
    }
}

/// A row that reads nothing, for the others to say only what they are.
pub(crate) const BLANK: Format = Format {
    name: "",
    provider: "openai_compatible",
    operation: Operation::Other,
    claims: &[],
    model_in_path: None,
    request: &[ASKED],
    kind: "",
    response: &[],
    headers: &[],
    array_is_stream: false,
    merge: Merge::Fields,
    input_tokens: &[Count::Input],
    output_tokens: &[Count::Output],
    choices: Choices::None,
    tools: Tools::None,
    asks_usage: None,
    has_usage: true,
    total_is_input: false,
    frame: Frame::NONE,
};

/// The error object that nearly every provider shares.
pub(crate) const ERRORS: &[Rule] = &[
    Rule::at("error", Field::Error),
    Rule::at("error.type", Field::ErrorType),
    Rule::at("error.code", Field::ErrorCode),
];

/// The error that is the document itself (Mistral, vLLM), told by its `object`.
pub(crate) const FLAT_ERRORS: &[Rule] = &[
    Rule::only("object", "error", Field::Error),
    Rule::at("type", Field::ErrorType).of("error"),
    Rule::at("code", Field::ErrorCode).of("error"),
];

/// One wanted place and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Where, as [`Paths`] has it.
    pub path: &'static str,
    /// What.
    pub field: Field,
    /// Only if the value is exactly this.
    pub only: Option<&'static str>,
    /// Only in documents of this kind; of the empty one are those that name none.
    pub kind: Option<&'static str>,
}

/// Counts by a provider's word for a modality, in capitals or not. Words that are not there count for nothing apart.
pub type Modalities = &'static [(&'static str, Count)];

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
    /// A token count of the beginning, which says nothing of the end.
    FirstUsage(Count),
    /// A token count by the platform in front of the model; used where the model's own body has none at all.
    Metered(Count),
    /// A token count of one of many answers, to be added up.
    UsageSum(Count),
    /// A token count, unless the document also has [`Field::Usage`] for it.
    UsageElse(Count),
    /// The tokens of one of these counts: of the one that the array's element it stands in is about, added up.
    UsageOf(Modalities),
    /// The modality that the array's element it stands in is about.
    Modality(Modalities),
    /// That it is this one; what [`Field::Modality`] comes to, not for rules.
    About(Count),
    /// A choice begins.
    Choice,
    /// One of many answers that have no number, such as a vector.
    Item,
    /// The number of the choice it stands in; without one, a choice's place in its array is its number.
    ChoiceIndex,
    /// Why the choice it stands in ended.
    Finish,
    /// The same more exactly; it wins.
    FinishDetail,
    /// Why no choice began.
    Blocked,
    /// Visible text; in requests, text of the prompt.
    Text,
    /// The text beside it is not visible.
    Hidden,
    /// Something else that was generated: reasoning, a refusal, arguments of a tool call.
    Generated,
    /// The same as what most servers send beside it too: it stands for a delta, and its length counts for nothing.
    Repeated,
    /// Text of a whole answer, where no delta is to be timed.
    Whole,
    /// What describes tools, or the form of the answer (requests).
    Schema,
    /// A message begins (requests).
    Turn,
    /// A call the client is asked to run; counted once for each non-empty value.
    ToolCall,
    /// The same in a whole answer; counts where none came one by one, since some streams repeat them there.
    WholeToolCall,
    /// An error is told.
    Error,
    /// Its class.
    ErrorType,
    /// Its code.
    ErrorCode,
    /// The protocol's last mark.
    Last,
    /// Only this provider sends it.
    Speaker(&'static str),
}

impl Field {
    /// Whether nothing but an estimate asks for it.
    const fn is_for_estimates(self) -> bool {
        matches!(self, Self::Whole | Self::Schema | Self::Turn)
    }
}

impl Rule {
    /// Wants the place at `path`.
    pub const fn at(path: &'static str, field: Field) -> Self {
        Self { path, field, only: None, kind: None }
    }

    /// Wants the place at `path` where its value is `only`.
    pub const fn only(path: &'static str, only: &'static str, field: Field) -> Self {
        Self { path, field, only: Some(only), kind: None }
    }

    /// The same, in documents of this kind only.
    pub const fn of(self, kind: &'static str) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// Whether all of a string is looked at.
    const fn flows(&self) -> bool {
        let is_text = matches!(
            self.field,
            Field::Text | Field::Generated | Field::Whole | Field::Schema | Field::ToolCall
        );
        is_text && self.only.is_none()
    }

    /// Bytes of a string that are enough for the field; 0 where only its presence counts.
    const fn text_bytes(&self) -> usize {
        match (self.field, self.only) {
            (_, Some(only)) => only.len().saturating_add(1),
            (Field::Text | Field::Generated | Field::Repeated | Field::Whole | Field::Schema, None) => 0,
            (Field::Turn | Field::ToolCall | Field::WholeToolCall, None) => 0,
            (Field::Error | Field::Speaker(_), None) => 0,
            _ => crate::limits::SCALAR_BYTES_MAX,
        }
    }
}

/// The request fields nearly every provider shares.
pub(crate) const ASKED: &[Rule] = &[Rule::at("model", Field::Model), Rule::at("stream", Field::Stream)];

/// The texts of requests for vectors.
pub(crate) const INPUTS: &[Rule] =
    &[Rule::at("input", Field::Text), Rule::at("input[]", Field::Text), Rule::at("prompt", Field::Text)];

/// What the usual templates add, from the recorded counts of many providers.
pub(crate) const CHAT_FRAME: Frame =
    Frame { text_percent: 100, prompt: 3, turn: 4, tools: 25, value_milli: 600, call: 12 };

/// The model that `path` names, decoded.
pub fn model_in(format: &Format, path: &str) -> Option<String> {
    let path = path.split('?').next().unwrap_or(path);
    let (before, behind) = format.model_in_path?;
    let (_, model) = path.split_once(before)?;
    let model = model.split_once(behind).map_or(model, |(model, _)| model);
    let model = percent_decoded(model.get(..crate::limits::SCALAR_BYTES_MAX).unwrap_or(model));
    // Nobody's model is called so; it is what an absent one reads as.
    (!model.is_empty() && model != "unknown").then_some(model)
}

/// `%3A` as `:`; what is no escape stays.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = tail.split_first_chunk::<2>().filter(|_| byte == b'%');
        let escaped = digits.and_then(|(digits, after)| {
            let digits = core::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let (byte, after) = escaped.unwrap_or((byte, tail));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The row of this name.
pub fn named(name: &str) -> Option<&'static Format> {
    ALL.iter().copied().find(|format| format.name == name)
}

/// The number under which [`paths`] has the place of a document's kind.
pub const KIND: u16 = u16::MAX;

/// The places that `rules` want, and the place that tells the kind of a document, if there is one. With `texts` the
/// text at places of text is wanted too, to estimate how many tokens it is.
pub fn paths(rules: &[&[Rule]], kind: &'static str, texts: bool) -> Paths {
    let mut paths = Paths::default();
    if !kind.is_empty() {
        paths.add(kind, KIND, crate::limits::SCALAR_BYTES_MAX, false);
    }
    for (part, rules) in (0u8..).zip(rules) {
        for (number, rule) in (0u8..).zip(*rules) {
            if !texts && rule.field.is_for_estimates() {
                continue;
            }
            paths.add(
                rule.path,
                u16::from_be_bytes([part, number]),
                rule.text_bytes(),
                texts && rule.flows(),
            );
        }
    }
    paths
}

/// Whether the format has a last mark of its own; where it has none, the end of a choice is the end.
pub fn has_last(format: &Format) -> bool {
    format.response.iter().copied().flatten().any(|rule| rule.field == Field::Last)
}

/// The rule with this number.
pub fn rule<'a>(rules: &[&'a [Rule]], number: u16) -> Option<&'a Rule> {
    let [part, number] = number.to_be_bytes();
    rules.get(usize::from(part))?.get(usize::from(number))
}

/// The names of all rows, for messages.
pub fn names() -> String {
    let names: Vec<_> = ALL.iter().map(|format| format.name).collect();
    names.join(", ")
}
