//! How an exchange ended: Envoy's response flags, the HTTP status and the provider's own words, as one class.

use crate::formats::{ErrorWords, Format};
use crate::record::{Answer, ErrorClass, Status, UsageMissing, Word};

/// What the proxy reports when an exchange is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// `response.code`; `None` if the client left before there was one.
    pub code: Option<u32>,
    /// `response.flags`, one bit a flag.
    pub flags: u64,
    /// `response.code_details`
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

/// The flags that say by themselves what went wrong, the most telling ones first.
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

/// What was seen of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whether the response's head came.
    pub head: bool,
    /// Whether the response's end came.
    pub end: bool,
    /// Whether the document of a unary response came to its end.
    pub document: bool,
    /// Whether the stream's last mark came, or at least the end of a choice.
    pub last_mark: bool,
}

/// Returns the status and the error of an exchange.
pub fn classify(end: &End, seen: Seen, answer: &Answer, format: &Format) -> (Status, ErrorClass) {
    // After an error event nothing else comes, and clients close: neither they nor the upstream's reset failed.
    let is_last =
        answer.complete == Some(true) || (answer.has_error && end.code.is_none_or(|code| code < 400));
    let is_whole = seen.end || (answer.streaming && is_last);
    // A client that knows the length of an answer may leave before the proxy sees its end; an upstream that
    // breaks off there still breaks the answer.
    if end.client_left() && !is_whole && !seen.document {
        return (Status::Cancelled, ErrorClass::ClientCancelled);
    }
    let is_whole = is_whole || end.client_left();
    let error = match class_of(end, seen, answer, format, is_whole) {
        ErrorClass::None => return (Status::Success, ErrorClass::None),
        error => error,
    };
    (Status::Error, error)
}

fn class_of(end: &End, seen: Seen, answer: &Answer, format: &Format, is_whole: bool) -> ErrorClass {
    let code = end.code.unwrap_or(0);
    // A client that got everything does not care how the connection was closed afterwards.
    let flagged = BY_FLAG.iter().find(|(flags, _)| end.flags & flags != 0);
    if let Some((_, class)) = flagged.filter(|_| !is_whole || code >= 400) {
        return *class;
    }
    if code >= 400 {
        return http_error_class(end, code, answer, format);
    }
    // A redirect that Envoy follows by itself: the response to it belongs to the next exchange.
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
        return if seen.head { ErrorClass::UpstreamReset } else { ErrorClass::Other };
    }
    // An upstream that dies on a connection that ends with the body looks like a clean end; a stream that
    // ended neither itself nor a choice was not one.
    if answer.streaming && !seen.last_mark {
        return ErrorClass::UpstreamReset;
    }
    ErrorClass::None
}

fn http_error_class(end: &End, code: u32, answer: &Answer, format: &Format) -> ErrorClass {
    if let Some(class) = code_class(answer, format) {
        return class;
    }
    let refused = end.flags & flag::UNAUTHORIZED_EXTERNAL_SERVICE != 0;
    // Once the client has left, the details say that, and not who answered.
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

/// Returns the class that the error's code names, which a status cannot tell.
fn code_class(answer: &Answer, format: &Format) -> Option<ErrorClass> {
    class_of_word(answer.error_code.as_ref()?, format.error_codes)
}

/// Returns the class that the error's type names.
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

/// Returns why there is no usage; `None` if there should be none, since a refused request generates nothing.
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
