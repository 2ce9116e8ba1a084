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
mod rules;
mod tgi;
mod watsonx;
mod words;

use crate::estimate::Frame;
use crate::scan::Paths;
use crate::usage::{Convention, Count, Merge};

pub use asking::Asking;
pub use claims::{claimed, may_ask};
pub use hosts::{provider_of, providers};
pub use rules::{Field, Modalities, Rule, Wanted};
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

/// Whose API it is that judges speak, where nothing else is said of them.
pub(crate) const CHAT_API_PROVIDER: &str = "openai";

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

/// The number of places in a request that the operator wants shown to a judge.
pub const POINTED: u16 = u16::MAX - 1;

/// The places that `rules` want for what is `wanted`, and the place that tells the kind of a document, if there is one.
pub fn paths(rules: &[&[Rule]], kind: &'static str, wanted: Wanted) -> Paths {
    let mut paths = Paths::default();
    if !kind.is_empty() {
        paths.add(kind, KIND, crate::limits::SCALAR_BYTES_MAX, false);
    }
    for (part, rules) in (0u8..).zip(rules) {
        for (number, rule) in (0u8..).zip(*rules) {
            if rule.field.wanted_for() > wanted {
                continue;
            }
            paths.add(
                rule.path,
                u16::from_be_bytes([part, number]),
                rule.text_bytes(),
                wanted > Wanted::Counts && rule.flows(),
            );
        }
    }
    paths
}

/// Whether the format has a last mark of its own; where it has none, the end of a choice is the end.
pub fn has_last(format: &Format) -> bool {
    format.response.iter().copied().flatten().any(|rule| rule.field == Field::Last)
}

/// Whether `path` stands in the array whose elements are choices.
pub fn is_in_choice(format: &Format, path: &str) -> bool {
    let outermost = |path: &'static str| path.split_once("[]").map(|(array, _)| array);
    let mut choices = format.response.iter().copied().flatten().filter(|rule| rule.field == Field::Choice);
    choices.any(|rule| {
        outermost(rule.path).is_some_and(|array| path.starts_with([array, "[]"].concat().as_str()))
    })
}

/// Whether a choice with this finish reason is a whole answer in words: nothing cut it off or filtered it, and no call
/// of a tool is to come back first. Providers have dozens of words, and make new ones of the same parts.
pub fn is_whole_answer(finish_reason: &str) -> bool {
    // Not by the standard library's search, whose set-up alone is longer than all of this.
    let has = |sign: &[u8]| {
        let mut windows = finish_reason.as_bytes().windows(sign.len());
        windows.any(|part| part.eq_ignore_ascii_case(sign))
    };
    !CUT_OFF_SIGNS.iter().any(|sign| has(sign.as_bytes()))
}

/// Parts of finish reasons that are none of a whole answer.
const CUT_OFF_SIGNS: &[&str] = &[
    "length",
    "max",
    "limit",
    "incomplete",
    "cancel",
    "error",
    "fail",
    "filter",
    "safety",
    "refus",
    "block",
    "prohibit",
    "recit",
    "guard",
    "spii",
    "malformed",
    "tox",
    "tool",
    "function",
    "pause",
    "language",
    "image",
];

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
