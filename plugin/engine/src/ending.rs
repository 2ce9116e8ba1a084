//! How an exchange ended: Envoy's response flags, the HTTP status and the provider's own words, as one class.

use crate::record::{Answer, ErrorClass, Status, UsageMissing, Word};

/// What the proxy says when everything is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// `response.code`; absent if the client left before there was one.
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

/// Flags that by themselves say what went wrong, the most telling first.
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

/// What was seen of the response itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The response's head came through.
    pub head: bool,
    /// The response's end came through.
    pub end: bool,
    /// The document of a unary response came to its end.
    pub document: bool,
    /// The stream's last mark came, or at least the end of a choice.
    pub last_mark: bool,
}

/// The status and the error of an exchange.
pub fn classify(end: &End, seen: Seen, answer: &Answer) -> (Status, ErrorClass) {
    // After an error event nothing else comes, and clients close: neither they nor the upstream's reset failed.
    let is_last =
        answer.complete == Some(true) || (answer.error_told && end.code.is_none_or(|code| code < 400));
    let is_whole = seen.end || (answer.streaming && is_last);
    // A client that knows the length of an answer may leave before the proxy is told of its end; an upstream that
    // breaks off there still breaks the answer.
    if end.client_left() && !is_whole && !seen.document {
        return (Status::Cancelled, ErrorClass::ClientCancelled);
    }
    let is_whole = is_whole || end.client_left();
    let error = match class_of(end, seen, answer, is_whole) {
        ErrorClass::None => return (Status::Success, ErrorClass::None),
        error => error,
    };
    (Status::Error, error)
}

fn class_of(end: &End, seen: Seen, answer: &Answer, is_whole: bool) -> ErrorClass {
    let code = end.code.unwrap_or(0);
    // A client that got everything does not care how the connection was closed afterwards.
    let flagged = BY_FLAG.iter().find(|(flags, _)| end.flags & flags != 0);
    if let Some((_, class)) = flagged.filter(|_| !is_whole || code >= 400) {
        return *class;
    }
    if code >= 400 {
        return of_http_error(end, code, answer);
    }
    // A redirect that Envoy follows by itself: what comes of it is the next exchange.
    if (300..400).contains(&code) {
        return ErrorClass::None;
    }
    if answer.error_told {
        return match answer.streaming {
            true => ErrorClass::InStream,
            false => of_words(answer).unwrap_or(ErrorClass::Other),
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

fn of_http_error(end: &End, code: u32, answer: &Answer) -> ErrorClass {
    if let Some(class) = of_code_word(answer) {
        return class;
    }
    let refused = end.flags & flag::UNAUTHORIZED_EXTERNAL_SERVICE != 0;
    // Once the client has left, the details tell of that and no longer of who answered.
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

/// Classes that a status cannot tell: providers send both as plain 400.
fn of_code_word(answer: &Answer) -> Option<ErrorClass> {
    let is = |word: &Option<Word>, name: &str| matches!(word, Some(Word::Text(text)) if text == name);
    if is(&answer.error_code, "context_length_exceeded") {
        return Some(ErrorClass::ContextLength);
    }
    let filtered = ["content_filter", "content_policy_violation"];
    let filtered = filtered.iter().any(|name| is(&answer.error_code, name));
    filtered.then_some(ErrorClass::ContentFilter)
}

/// Types that providers name in bodies whose status says nothing.
fn of_words(answer: &Answer) -> Option<ErrorClass> {
    let Some(Word::Text(name)) = &answer.error_type else {
        return of_code_word(answer);
    };
    of_code_word(answer).or(match name.as_str() {
        "rate_limit_error" | "insufficient_quota" => Some(ErrorClass::RateLimited),
        "authentication_error" => Some(ErrorClass::Authentication),
        "permission_error" => Some(ErrorClass::Permission),
        "invalid_request_error" => Some(ErrorClass::InvalidRequest),
        "not_found_error" => Some(ErrorClass::NotFound),
        "overloaded_error" => Some(ErrorClass::Overloaded),
        "api_error" | "server_error" => Some(ErrorClass::ServerError),
        _ => None,
    })
}

/// Why there is no usage, if there should be: refused requests generate nothing, so nothing is missing.
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
