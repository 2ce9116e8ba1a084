//! The wire formats: one const row each, and how a request finds its row.
//!
//! A provider's rules are in its row and nowhere else; the code that reads the rows knows no provider. CONTRIBUTING.md
//! describes how to add one.

mod aleph_alpha;
mod anthropic_complete;
mod anthropic_messages;
mod bedrock_converse;
mod bedrock_invoke;
mod cohere;
mod dashscope;
mod gemini;
mod gemini_interactions;
mod ollama;
mod openai_audio;
mod openai_chat;
mod openai_completions;
mod openai_embeddings;
mod openai_images;
mod openai_moderations;
mod openai_responses;
mod other;
mod replicate;
mod rerank;
mod tgi;
mod watsonx;

mod answers;
mod claims;
mod fields;
mod hosts;
mod include_usage;
mod model_in_path;
mod operation;
mod places;
mod price_factors;
mod rules;
mod shared;
mod words;

use crate::estimate::Frame;
use crate::usage::{Convention, Count, Merge};

pub use crate::judge::capture::Role;
pub use answers::{AlwaysReports, Choices, Tools};
pub use claims::{claimed, may_ask};
pub use fields::{HeaderField, Modalities, RequestField, ResponseField};
pub use hosts::{host_pattern, provider_of, providers};
pub use include_usage::IncludeUsage;
pub use model_in_path::model_in_path;
pub use operation::Operation;
pub use places::{KIND, POINTED, has_last, is_in_choice, paths, rule};
pub use price_factors::price_factor;
pub use rules::{Field, ReadDepth, RequestRule, ResponseRule, Rule};
pub(crate) use shared::{CHAT_API_PROVIDER, CHAT_FRAME, ERRORS, FLAT_ERRORS, INPUTS, MODEL};
pub(crate) use words::{CUT_OFF_SIGNS, ERROR_TYPES, ROLES};
pub use words::{CutOffSigns, ErrorWords, RoleWords};

/// Every row. If two claim a path, the longer claim wins.
pub const ALL: &[&Format] = &[
    &aleph_alpha::FORMAT,
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
    &bedrock_invoke::ANY,
    &cohere::V2,
    &cohere::V1,
    &cohere::V1_GENERATE,
    &cohere::EMBED,
    &dashscope::FORMAT,
    &gemini::FORMAT,
    &gemini::COUNT_TOKENS,
    &gemini::EMBEDDINGS,
    &gemini::IMAGES,
    &gemini_interactions::FORMAT,
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
    &replicate::FORMAT,
    &rerank::FORMAT,
    &tgi::FORMAT,
    &tgi::SAGEMAKER,
    &watsonx::FORMAT,
    &watsonx::CHAT,
];

/// One wire format.
#[derive(Debug)]
pub struct Format {
    /// The name of the format in configurations.
    pub name: &'static str,
    /// The provider, unless a rule, the host or the response names another one.
    pub provider: &'static str,
    /// `gen_ai.operation.name`
    pub operation: Operation,
    /// Patterns for the host and path of its endpoints, without the query: `*/v1/messages`.
    pub claims: &'static [&'static str],
    /// The parts of a path before and behind the model, for each kind of path that names it.
    pub model_in_path: &'static [(&'static str, &'static str)],
    /// The rules for the body of the request.
    pub request: &'static [&'static [RequestRule]],
    /// The words for the roles of messages in the request.
    pub roles: &'static [RoleWords],
    /// The path at which each document of the response names its kind. Empty if no rule is for one kind.
    pub kind: &'static str,
    /// The rules for each document of the response's body.
    pub response: &'static [&'static [ResponseRule]],
    /// The headers of the response that are read.
    pub headers: &'static [(&'static str, HeaderField)],
    /// Whether a JSON array is a stream of documents rather than one document.
    pub array_is_stream: bool,
    /// The rule by which later usage objects change earlier ones.
    pub merge: Merge,
    /// The counts that add up to all input: the main number first, then those that it leaves out.
    pub input_tokens: &'static [Count],
    /// The counts that add up to all output.
    pub output_tokens: &'static [Count],
    /// How the choices of an answer are counted.
    pub choices: Choices,
    /// Which answers can hold tool calls.
    pub tools: Tools,
    /// The option with which a request asks a stream for usage. `None` if streams always or never report it.
    pub include_usage: Option<IncludeUsage>,
    /// Whether an answer is expected to report its usage.
    pub has_usage: bool,
    /// Which successful answers always report it, so that one without is read wrong.
    pub always_reports: AlwaysReports,
    /// Whether the total is all input if it comes without an input count.
    pub total_is_input: bool,
    /// The finish reason of a refusal that is not billed if nothing was generated before it. Empty if there is none.
    pub unbilled_finish: &'static str,
    /// Error codes that say more than the status, also of an HTTP error.
    pub error_codes: &'static [ErrorWords],
    /// Error types that say what went wrong if the HTTP status is a success.
    pub error_types: &'static [ErrorWords],
    /// Parts of finish reasons that no whole answer has.
    pub cut_off_signs: &'static [CutOffSigns],
    /// The tokens that the format adds to those of its texts, for estimates.
    pub frame: Frame,
}

impl Format {
    /// Returns whether each successful answer reports its usage.
    pub fn always_reports(&self, streaming: bool) -> bool {
        match self.always_reports {
            AlwaysReports::Never => false,
            AlwaysReports::Unary => !streaming,
            AlwaysReports::All => true,
        }
    }

    /// Returns how its counts add up.
    pub fn convention(&self) -> Convention {
        Convention {
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            total_is_input: self.total_is_input,
        }
    }
}

/// A row that only reads the requested model. Other rows are given as differences from it.
pub(crate) const BLANK: Format = Format {
    name: "",
    provider: "openai_compatible",
    operation: Operation::Other,
    claims: &[],
    model_in_path: &[],
    request: &[MODEL],
    roles: &[ROLES],
    kind: "",
    response: &[],
    headers: &[],
    array_is_stream: false,
    merge: Merge::Fields,
    input_tokens: &[Count::Input],
    output_tokens: &[Count::Output],
    choices: Choices::None,
    tools: Tools::None,
    include_usage: None,
    has_usage: true,
    always_reports: AlwaysReports::Never,
    total_is_input: false,
    unbilled_finish: "",
    error_codes: &[words::ERROR_CODES],
    error_types: &[ERROR_TYPES],
    cut_off_signs: &[CUT_OFF_SIGNS],
    frame: Frame::NONE,
};

/// Returns the row of this name.
pub fn named(name: &str) -> Option<&'static Format> {
    ALL.iter().copied().find(|format| format.name == name)
}

/// Returns the names of all rows, for messages.
pub fn names() -> String {
    let names: Vec<_> = ALL.iter().map(|format| format.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
