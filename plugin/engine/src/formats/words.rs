//! Words that many providers share: who speaks, what went wrong, and how an answer ended. Words of one provider are in
//! its row.

use super::{Format, Role};
use crate::record::ErrorClass;

/// Words by which messages name their speaker, in any case. Other words say nothing, and a message that names no
/// speaker is the user's.
pub type RoleWords = &'static [(&'static str, Role)];

/// Words by which a provider names errors, exactly as it writes them.
pub type ErrorWords = &'static [(&'static str, ErrorClass)];

/// The role words that many providers share.
pub(crate) const ROLES: RoleWords = &[
    ("user", Role::User),
    ("human", Role::User),
    ("system", Role::System),
    ("developer", Role::System),
    ("tool", Role::Tool),
    ("function", Role::Tool),
    ("assistant", Role::Model),
    ("ai", Role::Model),
];

/// Error codes that many providers share. They say what an HTTP status cannot: both come as a plain 400.
pub(crate) const ERROR_CODES: ErrorWords = &[
    ("context_length_exceeded", ErrorClass::ContextLength),
    ("content_filter", ErrorClass::ContentFilter),
    ("content_policy_violation", ErrorClass::ContentFilter),
];

/// Error types that many providers share, for bodies whose HTTP status says nothing.
pub(crate) const ERROR_TYPES: ErrorWords = &[
    ("rate_limit_error", ErrorClass::RateLimited),
    ("insufficient_quota", ErrorClass::RateLimited),
    ("authentication_error", ErrorClass::Authentication),
    ("permission_error", ErrorClass::Permission),
    ("invalid_request_error", ErrorClass::InvalidRequest),
    ("not_found_error", ErrorClass::NotFound),
    ("api_error", ErrorClass::ServerError),
    ("server_error", ErrorClass::ServerError),
];

/// Parts of finish reasons, in lower case, that no whole answer has.
pub type CutOffSigns = &'static [&'static str];

/// The parts that finish reasons of many providers are made of.
pub(crate) const CUT_OFF_SIGNS: CutOffSigns = &[
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
    "tool",
    "function",
];

impl Format {
    /// Returns whether a choice with this finish reason is a whole answer in words: nothing cut it off or filtered it,
    /// and it does not wait for a tool call. Providers have dozens of words, and make new ones from the same parts.
    pub fn is_whole_answer(&self, finish_reason: &str) -> bool {
        // Not by the standard library's search, whose set-up alone takes longer than all of this.
        let has = |sign: &[u8]| {
            let mut windows = finish_reason.as_bytes().windows(sign.len());
            windows.any(|part| part.eq_ignore_ascii_case(sign))
        };
        !self.cut_off_signs.iter().copied().flatten().any(|sign| has(sign.as_bytes()))
    }
}
