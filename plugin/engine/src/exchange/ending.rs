//! Classifies how an exchange ended, from Envoy's response flags, the HTTP status and the provider's error words.

use crate::formats::{ErrorWords, Format};
use crate::record::{Answer, ErrorClass, Status, UsageMissing, Word};

/// The proxy's report of the end of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// `response.code`. `None` if the client disconnected before there was one.
    pub code: Option<u32>,
    /// `response.flags`: one bit for each flag.
    pub flags: u64,
    /// `response.code_details`.
    pub details: String,
}

/// Bits of `response.flags`, numbered as in Envoy's `stream_info.h`.
mod flag {
    pub(super) const NO_HEALTHY_UPSTREAM: u64 = 1 << 1;
    pub(super) const UPSTREAM_REQUEST_TIMEOUT: u64 = 1 << 2;
    pub(super) const LOCAL_RESET: u64 = 1 << 3;
    pub(super) const UPSTREAM_REMOTE_RESET: u64 = 1 << 4;
    pub(super) const UPSTREAM_CONNECTION_FAILURE: u64 = 1 << 5;
    pub(super) const UPSTREAM_CONNECTION_TERMINATION: u64 = 1 << 6;
    pub(super) const UPSTREAM_OVERFLOW: u64 = 1 << 7;
    pub(super) const RATE_LIMITED: u64 = 1 << 11;
    pub(super) const UNAUTHORIZED_EXTERNAL_SERVICE: u64 = 1 << 12;
    pub(super) const DOWNSTREAM_CONNECTION_TERMINATION: u64 = 1 << 14;
    pub(super) const STREAM_IDLE_TIMEOUT: u64 = 1 << 16;
    pub(super) const DOWNSTREAM_PROTOCOL_ERROR: u64 = 1 << 18;
    pub(super) const DURATION_TIMEOUT: u64 = 1 << 22;
    pub(super) const UPSTREAM_PROTOCOL_ERROR: u64 = 1 << 23;
    pub(super) const OVERLOAD_MANAGER: u64 = 1 << 25;
    pub(super) const DNS_RESOLUTION_FAILED: u64 = 1 << 26;
    pub(super) const DROP_OVERLOAD: u64 = 1 << 27;
    pub(super) const DOWNSTREAM_REMOTE_RESET: u64 = 1 << 28;
}

/// The flags that determine the class of an error by themselves, the most specific ones first.
const BY_FLAG: &[(u64, ErrorClass)] = &[
    (
        flag::UPSTREAM_REQUEST_TIMEOUT | flag::STREAM_IDLE_TIMEOUT | flag::DURATION_TIMEOUT,
        ErrorClass::UpstreamTimeout,
    ),
    (
        flag::NO_HEALTHY_UPSTREAM | flag::UPSTREAM_CONNECTION_FAILURE | flag::DNS_RESOLUTION_FAILED,
        ErrorClass::UpstreamConnect,
    ),
    (flag::UPSTREAM_OVERFLOW | flag::OVERLOAD_MANAGER | flag::DROP_OVERLOAD, ErrorClass::Overloaded),
    (flag::RATE_LIMITED, ErrorClass::RateLimited),
    (
        flag::UPSTREAM_REMOTE_RESET
            | flag::UPSTREAM_CONNECTION_TERMINATION
            | flag::UPSTREAM_PROTOCOL_ERROR
            | flag::LOCAL_RESET,
        ErrorClass::UpstreamReset,
    ),
];

const CLIENT_LEFT: u64 =
    flag::DOWNSTREAM_CONNECTION_TERMINATION | flag::DOWNSTREAM_PROTOCOL_ERROR | flag::DOWNSTREAM_REMOTE_RESET;

impl End {
    fn client_left(&self) -> bool {
        self.flags & CLIENT_LEFT != 0
    }
}

/// How much of the response arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseProgress {
    /// Whether the head arrived.
    pub head: bool,
    /// Whether the end arrived.
    pub end: bool,
    /// Whether the document of a unary response is complete.
    pub document: bool,
    /// Whether the stream's end marker arrived, or at least the end of a choice.
    pub end_marker: bool,
}

/// Returns the status and the error class of an exchange.
pub fn classify(
    end: &End,
    progress: ResponseProgress,
    answer: &Answer,
    format: &Format,
) -> (Status, ErrorClass) {
    // Clients close the connection after an error event, and upstreams may reset it: neither is a further failure.
    let is_last =
        answer.complete == Some(true) || (answer.has_error && end.code.is_none_or(|code| code < 400));
    let is_whole = progress.end || (answer.streaming && is_last);
    // A client that knows the length of a response may disconnect before the proxy sees its end. An upstream that
    // disconnects there still breaks the response.
    if end.client_left() && !is_whole && !progress.document {
        return (Status::Cancelled, ErrorClass::ClientCancelled);
    }
    let is_whole = is_whole || end.client_left();
    let error = match class_of(end, progress, answer, format, is_whole) {
        ErrorClass::None => return (Status::Success, ErrorClass::None),
        error => error,
    };
    (Status::Error, error)
}

fn class_of(
    end: &End,
    progress: ResponseProgress,
    answer: &Answer,
    format: &Format,
    is_whole: bool,
) -> ErrorClass {
    let code = end.code.unwrap_or(0);
    // If the client received everything, it does not matter how the connection was closed.
    let flagged = BY_FLAG.iter().find(|(flags, _)| end.flags & flags != 0);
    if let Some((_, class)) = flagged.filter(|_| !is_whole || code >= 400) {
        return *class;
    }
    if code >= 400 {
        return http_error_class(end, code, answer, format);
    }
    // Envoy follows the redirect itself, and the response to it belongs to the next exchange.
    if (300..400).contains(&code) {
        return ErrorClass::None;
    }
    if answer.has_error {
        return match answer.streaming {
            true => ErrorClass::InStream,
            false => {
                code_class(answer, format).or_else(|| type_class(answer, format)).unwrap_or(ErrorClass::Other)
            }
        };
    }
    if !is_whole {
        return if progress.head { ErrorClass::UpstreamReset } else { ErrorClass::Other };
    }
    // If a connection that is closed by its end breaks, the end looks clean. So a stream must also have ended itself
    // or a choice.
    if answer.streaming && !progress.end_marker {
        return ErrorClass::UpstreamReset;
    }
    ErrorClass::None
}

fn http_error_class(end: &End, code: u32, answer: &Answer, format: &Format) -> ErrorClass {
    if let Some(class) = code_class(answer, format) {
        return class;
    }
    let refused = end.flags & flag::UNAUTHORIZED_EXTERNAL_SERVICE != 0;
    // After the client has disconnected, the details say so and no longer who answered.
    let is_local = !end.client_left() && !end.details.is_empty() && end.details != "via_upstream";
    match code {
        401 => ErrorClass::Authentication,
        403 => ErrorClass::Permission,
        429 => ErrorClass::RateLimited,
        _ if is_local && !refused => ErrorClass::LocalReply,
        404 => ErrorClass::NotFound,
        400 | 405 | 406 | 409 | 411 | 413 | 414 | 415 | 422 => ErrorClass::InvalidRequest,
        503 | 529 => ErrorClass::Overloaded,
        500..=599 => ErrorClass::ServerError,
        _ => ErrorClass::Other,
    }
}

/// Returns the class of the error's code, which is more specific than a status. `None` if the code is unknown.
fn code_class(answer: &Answer, format: &Format) -> Option<ErrorClass> {
    class_of_word(answer.error_code.as_ref()?, format.error_codes)
}

/// Returns the class of the error's type. `None` if the type is unknown.
fn type_class(answer: &Answer, format: &Format) -> Option<ErrorClass> {
    class_of_word(answer.error_type.as_ref()?, format.error_types)
}

fn class_of_word(word: &Word, words: &[ErrorWords]) -> Option<ErrorClass> {
    let Word::Text(text) = word else {
        return None;
    };
    let mut words = words.iter().copied().flatten();
    words.find(|(name, _)| name == text).map(|(_, class)| *class)
}

/// Returns the reason why there is no usage. `None` if none is expected, since a refused request generates nothing.
pub fn usage_missing(
    status: Status,
    error: ErrorClass,
    http_status: Option<u32>,
    is_unreadable: bool,
) -> Option<UsageMissing> {
    if status == Status::Cancelled {
        return Some(UsageMissing::Cancelled);
    }
    let is_answer = http_status.is_none_or(|code| (200..300).contains(&code));
    if !is_answer {
        return None;
    }
    let cut = matches!(error, ErrorClass::UpstreamReset | ErrorClass::UpstreamTimeout);
    Some(match is_unreadable {
        _ if cut => UsageMissing::UpstreamReset,
        true => UsageMissing::Unreadable,
        false => UsageMissing::NotSent,
    })
}

#[cfg(test)]
mod tests;
