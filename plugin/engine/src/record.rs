//! What an exchange came to.

use crate::estimate::Estimate;
use crate::ids::Ids;
use crate::judge::capture::{JudgeDecision, SpanContent};
use crate::usage::Usage;

/// A provider's own word: a name, or a number where it speaks in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A name.
    Text(String),
    /// A number.
    Number(i64),
}

/// A body, or a part of one, that could not be read. Metering goes blind there; traffic flows on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// The body is neither JSON nor an event stream.
    NotJson,
    /// Invalid JSON.
    Malformed,
    /// JSON nested deeper than the bound.
    TooDeep,
    /// A stream event longer than the bound.
    EventTooLarge,
    /// More wanted values in one document than the bound.
    TooManyValues,
    /// A content encoding this build does not decode.
    UnknownEncoding,
    /// The body is not in the content encoding that its head names.
    DecodeFailed,
    /// The body unfolds to more than the bound.
    DecodedTooLarge,
    /// The worker's memory budget had nothing left for it.
    Memory,
    /// The body ended in the middle of a document.
    Truncated,
    /// The response ended before its stream was complete.
    IncompleteStream,
}

impl Gap {
    /// Every gap.
    pub const ALL: [Self; 11] = [
        Self::NotJson,
        Self::Malformed,
        Self::TooDeep,
        Self::EventTooLarge,
        Self::TooManyValues,
        Self::UnknownEncoding,
        Self::DecodeFailed,
        Self::DecodedTooLarge,
        Self::Memory,
        Self::Truncated,
        Self::IncompleteStream,
    ];

    /// The label value.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::Malformed => "malformed",
            Self::TooDeep => "too_deep",
            Self::EventTooLarge => "event_too_large",
            Self::TooManyValues => "too_many_values",
            Self::UnknownEncoding => "unknown_encoding",
            Self::DecodeFailed => "decode_failed",
            Self::DecodedTooLarge => "decoded_too_large",
            Self::Memory => "memory",
            Self::Truncated => "truncated",
            Self::IncompleteStream => "incomplete_stream",
        }
    }
}

/// How an exchange went, as the label `status` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The client got its answer.
    Success,
    /// Somebody but the client failed, or refused.
    Error,
    /// The client left.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Success, Self::Error, Self::Cancelled];

    /// The label value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The closed list behind the label `error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the contract's own and say it all")]
pub enum ErrorClass {
    None,
    RateLimited,
    Authentication,
    Permission,
    InvalidRequest,
    NotFound,
    ContextLength,
    ContentFilter,
    Overloaded,
    ServerError,
    InStream,
    UpstreamConnect,
    UpstreamReset,
    UpstreamTimeout,
    ClientCancelled,
    LocalReply,
    Other,
}

impl ErrorClass {
    /// Every class.
    pub const ALL: [Self; 17] = [
        Self::None,
        Self::RateLimited,
        Self::Authentication,
        Self::Permission,
        Self::InvalidRequest,
        Self::NotFound,
        Self::ContextLength,
        Self::ContentFilter,
        Self::Overloaded,
        Self::ServerError,
        Self::InStream,
        Self::UpstreamConnect,
        Self::UpstreamReset,
        Self::UpstreamTimeout,
        Self::ClientCancelled,
        Self::LocalReply,
        Self::Other,
    ];

    /// The label value.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::RateLimited => "rate_limited",
            Self::Authentication => "authentication",
            Self::Permission => "permission",
            Self::InvalidRequest => "invalid_request",
            Self::NotFound => "not_found",
            Self::ContextLength => "context_length",
            Self::ContentFilter => "content_filter",
            Self::Overloaded => "overloaded",
            Self::ServerError => "server_error",
            Self::InStream => "in_stream",
            Self::UpstreamConnect => "upstream_connect",
            Self::UpstreamReset => "upstream_reset",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::ClientCancelled => "client_cancelled",
            Self::LocalReply => "local_reply",
            Self::Other => "other",
        }
    }
}

/// Why an exchange that should have had usage ended without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageMissing {
    /// The response ended as it should and held none.
    NotSent,
    /// The client left before it came.
    Cancelled,
    /// The upstream stopped before it came.
    UpstreamReset,
    /// A gap is where it may have been.
    Unreadable,
}

impl UsageMissing {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::NotSent, Self::Cancelled, Self::UpstreamReset, Self::Unreadable];

    /// The label value.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Cancelled => "cancelled",
            Self::UpstreamReset => "upstream_reset",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What the response said. Every field is `None` (or empty) where it did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The model's name for itself.
    pub model: Option<String>,
    /// The response's id.
    pub id: Option<String>,
    /// Whether the body was a stream.
    pub streaming: bool,
    /// The provider's counts, by its own convention.
    pub usage: Usage,
    /// All input, cached and cache-writing tokens included.
    pub input_tokens: Option<u64>,
    /// All output, reasoning included.
    pub output_tokens: Option<u64>,
    /// The output's count is of the stream's beginning, and its last one did not come.
    pub is_first_output: bool,
    /// Why each choice ended, in the order of the choices.
    pub finish_reasons: Vec<Word>,
    /// Calls the client is asked to run.
    pub tool_calls: Option<u32>,
    /// Choices, candidates or embeddings.
    pub choices: Option<u32>,
    /// The provider's class of an error.
    pub error_type: Option<Word>,
    /// The provider's code of an error.
    pub error_code: Option<Word>,
    /// Whether the body told of an error at all.
    pub error_told: bool,
    /// Events with visible text (streams).
    pub content_chunks: Option<u32>,
    /// Whether the protocol's last mark was seen (streams).
    pub complete: Option<bool>,
}

/// Milliseconds from the request's head to what they are named for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// End of the exchange.
    pub duration_ms: u64,
    /// First byte of the response's body.
    pub first_byte_ms: Option<u64>,
    /// First generated delta of any kind (streams).
    pub first_token_ms: Option<u64>,
    /// First visible text (streams).
    pub first_answer_ms: Option<u64>,
    /// Mean time between output tokens (streams with two or more).
    pub per_output_token_us: Option<u64>,
}

/// What an exchange came to; made exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The id that joins response, span, scores and feedback.
    pub request_id: String,
    /// Its trace and span.
    pub ids: Ids,
    /// The host that was asked, where spans tell it.
    pub authority: Option<String>,
    /// `gen_ai.provider.name`
    pub provider: String,
    /// The provider as far as the request told it, under which the exchange was counted as active.
    pub began_as: String,
    /// `gen_ai.operation.name`
    pub operation: &'static str,
    /// The model that was asked for.
    pub request_model: Option<String>,
    /// Extra labels, in the order of the configuration.
    pub labels: Vec<String>,
    /// What the response said.
    pub answer: Answer,
    /// The HTTP status.
    pub http_status: Option<u32>,
    /// How it went.
    pub status: Status,
    /// What went wrong.
    pub error: ErrorClass,
    /// Why there is no usage, where there should have been.
    pub usage_missing: Option<UsageMissing>,
    /// What the texts tell of the tokens, where estimates are on.
    pub estimate: Option<Estimate>,
    /// What a judge is to be shown, where the exchange is sampled.
    pub judged: Option<JudgeDecision>,
    /// What of its texts may leave with its span.
    pub content: Option<SpanContent>,
    /// When things happened.
    pub times: Times,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

/// Token counts are the provider's.
pub const SOURCE_REPORTED: &str = "reported";

/// Token counts are made from the texts that were seen.
pub const SOURCE_ESTIMATED: &str = "estimated";

impl Record {
    /// Where the answer's token counts come from: `reported` if the provider said any, else `estimated` where
    /// [`estimated_tokens`](Self::estimated_tokens) stand in for them.
    pub fn source(&self) -> Option<&'static str> {
        let said = self.answer.input_tokens.is_some() || self.answer.output_tokens.is_some();
        match self.estimated_tokens() {
            _ if said => Some(SOURCE_REPORTED),
            (None, None) => None,
            _ => Some(SOURCE_ESTIMATED),
        }
    }

    /// Input and output that nobody reported though somebody should have: `None` where it was reported, or nothing was
    /// seen of it. A first count of the output is the least it can be.
    pub fn estimated_tokens(&self) -> (Option<u64>, Option<u64>) {
        let Some(estimate) = self.estimate.filter(|_| self.usage_missing.is_some()) else {
            return (None, None);
        };
        let answer = &self.answer;
        let (input, output) = (estimate.input_tokens(), estimate.output_tokens());
        let is_known = answer.input_tokens.is_some();
        let is_unseen = !is_known && input == 0 && output == 0;
        let is_open = !is_unseen && (answer.output_tokens.is_none() || answer.is_first_output);
        (
            Some(input).filter(|tokens| !is_known && *tokens > 0),
            is_open.then(|| output.max(answer.output_tokens.unwrap_or(0))),
        )
    }

    /// All input and all output as far as they are known: reported, or else estimated.
    pub fn tokens(&self) -> (Option<u64>, Option<u64>) {
        let (input, output) = self.estimated_tokens();
        (self.answer.input_tokens.or(input), output.or(self.answer.output_tokens))
    }

    /// Where there was an error: whether it came inside a response that had begun as a success.
    pub fn error_in_stream(&self) -> Option<bool> {
        let is_http_error = self.http_status.is_some_and(|code| code >= 400);
        let in_stream = self.answer.streaming && !is_http_error;
        (is_http_error || self.answer.error_told).then_some(in_stream)
    }
}
