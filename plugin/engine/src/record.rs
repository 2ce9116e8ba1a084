//! The result of an exchange.

use crate::estimate::Estimate;
use crate::ids::Ids;
use crate::judge::capture::{JudgeDecision, SpanContent};
use crate::price::PriceTerms;
use crate::usage::{Convention, Usage};

/// A name or a number from a provider's own vocabulary, such as a finish reason or an error code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A name.
    Text(String),
    /// A number.
    Number(i64),
}

/// A body, or a part of one, that could not be read. Metering of that part stops; the traffic is not affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// The body is neither JSON nor an event stream.
    NotJson,
    /// Invalid JSON.
    Malformed,
    /// JSON nested deeper than the limit.
    TooDeep,
    /// A stream event longer than the limit.
    EventTooLarge,
    /// More wanted values in one document than the limit.
    TooManyValues,
    /// A content encoding that this build cannot decode.
    UnknownEncoding,
    /// The body is not in the content encoding that its head names.
    DecodeFailed,
    /// The decoded body is larger than the limit.
    DecodedTooLarge,
    /// The worker's memory budget is used up.
    Memory,
    /// A token count that no exchange can have.
    ImplausibleUsage,
    /// The body ended in the middle of a document.
    Truncated,
    /// The response ended before its stream was complete.
    IncompleteStream,
}

impl Gap {
    /// Every gap.
    pub const ALL: [Self; 12] = [
        Self::NotJson,
        Self::Malformed,
        Self::TooDeep,
        Self::EventTooLarge,
        Self::TooManyValues,
        Self::UnknownEncoding,
        Self::DecodeFailed,
        Self::DecodedTooLarge,
        Self::Memory,
        Self::ImplausibleUsage,
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
            Self::ImplausibleUsage => "implausible_usage",
            Self::Truncated => "truncated",
            Self::IncompleteStream => "incomplete_stream",
        }
    }
}

/// The result of an exchange, as the label `status` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The client received its answer.
    Success,
    /// A party other than the client failed or refused the request.
    Error,
    /// The client cancelled the request.
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

/// The values of the label `error`.
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

/// The reason why an exchange ended without the usage it should have had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageMissing {
    /// The response ended regularly, without usage.
    NotSent,
    /// The client cancelled the request before the usage arrived.
    Cancelled,
    /// The upstream stopped before the usage arrived.
    UpstreamReset,
    /// The usage may be in a part that could not be read.
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

/// The contents of a response. Fields are `None` or empty if the response did not have them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The name that the model reports for itself.
    pub model: Option<String>,
    /// The id of the response.
    pub id: Option<String>,
    /// Whether the body was a stream.
    pub streaming: bool,
    /// The provider's counts, by its own convention.
    pub usage: Usage,
    /// The inclusive input: cached and cache-writing tokens count.
    pub input_tokens: Option<u64>,
    /// The inclusive output: reasoning counts.
    pub output_tokens: Option<u64>,
    /// Whether the output count is the one at the beginning of a stream, whose last count did not arrive.
    pub is_first_output: bool,
    /// Whether the answer is still to be generated, so that no usage is missing.
    pub is_pending: bool,
    /// The counts of other models that took part, each by its own convention.
    pub others: Vec<(String, Usage)>,
    /// The words of the response that change its price.
    pub terms: PriceTerms,
    /// The reason why each choice ended, in the order of the choices.
    pub finish_reasons: Vec<Word>,
    /// The number of tool calls that the client is asked to run.
    pub tool_calls: Option<u32>,
    /// The number of choices, candidates or embeddings.
    pub choices: Option<u32>,
    /// The error type that the provider reports.
    pub error_type: Option<Word>,
    /// The error code that the provider reports.
    pub error_code: Option<Word>,
    /// Whether the body reports an error, even one without type and code.
    pub has_error: bool,
    /// The number of events with visible text; `None` if the response is no stream.
    pub content_chunks: Option<u32>,
    /// Whether the protocol's end mark was received; `None` if the response is no stream.
    pub complete: Option<bool>,
}

/// Times of an exchange, counted from the request's head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The end of the exchange.
    pub duration_ms: u64,
    /// The first byte of the response's body.
    pub first_byte_ms: Option<u64>,
    /// The first generated delta of any kind; `None` if the response is no stream.
    pub first_token_ms: Option<u64>,
    /// The first visible text; `None` if the response is no stream.
    pub first_answer_ms: Option<u64>,
    /// The mean time between output tokens, in microseconds; `None` unless a stream has two or more.
    pub per_output_token_us: Option<u64>,
}

/// The result of an exchange, which is made once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The id that joins the response with its span, its scores and feedback.
    pub request_id: String,
    /// How the counts of the format add up.
    pub convention: Convention,
    /// The trace and the span of the exchange.
    pub ids: Ids,
    /// The host of the request; `None` if spans do not report it.
    pub authority: Option<String>,
    /// The provider, as `gen_ai.provider.name` has it.
    pub provider: String,
    /// The provider known from the request alone, under which the exchange was counted as active.
    pub initial_provider: String,
    /// The operation, as `gen_ai.operation.name` has it.
    pub operation: &'static str,
    /// The model that the client asked for.
    pub request_model: Option<String>,
    /// The values of the extra labels, in the order of the configuration.
    pub labels: Vec<String>,
    /// The contents of the response.
    pub answer: Answer,
    /// The HTTP status; `None` if there was no response.
    pub http_status: Option<u32>,
    /// The result, as the label `status` has it.
    pub status: Status,
    /// The class of error, or [`ErrorClass::None`].
    pub error: ErrorClass,
    /// The reason why there is no usage; `None` if there is, or if none was due.
    pub usage_missing: Option<UsageMissing>,
    /// The data for an estimate of the tokens; `None` if estimates are off.
    pub estimate: Option<Estimate>,
    /// The decision about judging; `None` if the exchange is not sampled.
    pub judged: Option<JudgeDecision>,
    /// The texts that are exported with the exchange's span; `None` if none are.
    pub content: Option<SpanContent>,
    /// The times of the exchange.
    pub times: Times,
    /// The parts of the bodies that could not be read.
    pub gaps: Vec<Gap>,
}

/// The token counts are those of the provider.
pub const SOURCE_REPORTED: &str = "reported";

/// The token counts are estimated from the texts.
pub const SOURCE_ESTIMATED: &str = "estimated";

impl Record {
    /// Returns the source of the token counts. It is `reported` if the provider reported any, else `estimated` if there
    /// are [`estimated_tokens`](Self::estimated_tokens), else `None`.
    pub fn source(&self) -> Option<&'static str> {
        let is_reported = self.answer.input_tokens.is_some() || self.answer.output_tokens.is_some();
        match self.estimated_tokens() {
            _ if is_reported => Some(SOURCE_REPORTED),
            (None, None) => None,
            _ => Some(SOURCE_ESTIMATED),
        }
    }

    /// Returns the estimated input and output of an exchange whose usage is missing. Each is `None` if it was reported,
    /// or if nothing of it was seen.
    ///
    /// The output is at least as large as a first count that the provider reported.
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

    /// Returns the other models that took part, each with its inclusive input and output.
    pub fn other_models(&self) -> impl Iterator<Item = (&(String, Usage), u64, u64)> {
        self.answer.others.iter().map(|other| {
            let (input, output) = other.1.inclusive(self.convention);
            (other, input.unwrap_or(0), output.unwrap_or(0))
        })
    }

    /// Returns the input and output as far as they are known: reported or else estimated.
    pub fn tokens(&self) -> (Option<u64>, Option<u64>) {
        let (input, output) = self.estimated_tokens();
        (self.answer.input_tokens.or(input), output.or(self.answer.output_tokens))
    }

    /// Returns whether an error occurred inside a stream that had begun successfully; `None` if there was no error.
    pub fn error_in_stream(&self) -> Option<bool> {
        let is_http_error = self.http_status.is_some_and(|code| code >= 400);
        let in_stream = self.answer.streaming && !is_http_error;
        (is_http_error || self.answer.has_error).then_some(in_stream)
    }
}
