//! Requests usage from streams that only report it if the request asks for it. The chunk that reports it is removed
//! from the response, since the client did not ask for it.
//!
//! A request of known length is held until its end, since its head must announce the new length. A request of unknown
//! length passes as it arrives, and only the piece with the edit is changed. A request that cannot be edited safely
//! passes unchanged, and its usage stays unknown: usage is worth less than a working exchange.

mod chunk_filter;
mod chunk_probe;
mod usage_option;

use llm_gauge_decode::MemoryBudget;

use self::chunk_filter::UsageChunkFilter;
use self::usage_option::UsageOptionScanner;
use crate::config::Policy;
use crate::formats::Format;
use crate::head::Headers;

/// The rewriting of one exchange.
#[derive(Debug)]
pub struct Rewrite {
    option: UsageOptionScanner,
    /// The `content-length` of the request. `None` if it has none.
    length: Option<usize>,
    /// The number of bytes of the request that have arrived.
    received: usize,
    /// Whether the client accepts compressed responses, from which no chunk could be removed.
    accepts_encodings: bool,
    is_edited: bool,
    filter: Option<UsageChunkFilter>,
    memory: MemoryBudget,
}

/// A change of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The offset of the change.
    pub at: usize,
    /// The number of bytes to remove.
    pub removed: usize,
    /// The text to insert in their place.
    pub insert: &'static str,
}

impl Edit {
    /// Returns the bytes after the change. `None` if the offset or the removed bytes are outside of `bytes`.
    pub fn apply(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (before, rest) = bytes.split_at_checked(self.at)?;
        let after = rest.get(self.removed..)?;
        Some([before, self.insert.as_bytes(), after].concat())
    }
}

impl Rewrite {
    /// Returns the rewriting of the exchange that begins with this head. `None` if the policy asks for none, or the
    /// request does not need it.
    pub fn begin(policy: &Policy, format: &Format, provider: &str, head: &Headers<'_>) -> Option<Self> {
        let option = format.include_usage.filter(|_| policy.requests_usage())?;
        let path = String::from_utf8_lossy(head.get(":path")?);
        // A client that waits for `100 Continue` would wait without end, since a held head never reaches the
        // upstream.
        let is_readable =
            head.media_type_is("application/json") && !head.is_encoded() && head.get("expect").is_none();
        if !is_readable || !option.is_understood(provider, &path) {
            return None;
        }
        let length = match head.get("content-length") {
            None => None,
            Some(_) => Some(head.text("content-length")?.parse().ok()?),
        };
        // The proxy may reject a body that exceeds its buffer.
        if length.is_some_and(|length: usize| length == 0 || length > policy.request_bytes_max()) {
            return None;
        }
        let accepted = head.get("accept-encoding").unwrap_or(b"identity");
        Some(Self {
            option: UsageOptionScanner::default(),
            length,
            received: 0,
            accepts_encodings: !accepted.eq_ignore_ascii_case(b"identity"),
            is_edited: false,
            filter: None,
            memory: policy.memory().clone(),
        })
    }

    /// Returns the rewriting of an exchange whose request is sent a second time and already asks for usage.
    pub fn of_resent_request(policy: &Policy) -> Self {
        Self {
            option: UsageOptionScanner::default(),
            length: None,
            received: 0,
            accepts_encodings: false,
            is_edited: true,
            filter: None,
            memory: policy.memory().clone(),
        }
    }

    /// Returns whether the filter changed the request to ask for usage.
    pub fn is_edited(&self) -> bool {
        self.is_edited
    }

    /// Returns whether the request is held until its end.
    pub fn holds_request(&self) -> bool {
        self.length.is_some()
    }

    /// Returns whether `accept-encoding` must be set to `identity`. For a held request this applies once it is
    /// edited.
    pub fn needs_identity_encoding(&self) -> bool {
        self.accepts_encodings
    }

    /// Reads bytes of the request and returns the edit to make: in the whole body if the request is held, or else in
    /// `bytes`.
    ///
    /// `None` if nothing is to be changed now.
    pub fn request_body(&mut self, bytes: &[u8], end: bool) -> Option<Edit> {
        let before = self.received;
        self.received = self.received.saturating_add(bytes.len());
        self.option.feed(bytes);
        if self.holds_request() {
            let is_whole = end && self.option.is_complete();
            return self.option.edit().filter(|_| is_whole);
        }
        let edit = self.option.edit().filter(|_| !self.is_edited)?;
        // Bytes that have passed cannot be changed, so the request stays as it is.
        let at = edit.at.checked_sub(before)?;
        Some(Edit { at, ..edit }).filter(|edit| at.saturating_add(edit.removed) <= bytes.len())
    }

    /// Returns the length of the whole request after the edit.
    pub fn length_after(&self, edit: &Edit) -> usize {
        self.received.saturating_sub(edit.removed).saturating_add(edit.insert.len())
    }

    /// Returns the length of a held request that has ended, if its head announces another one. The head of a second
    /// attempt does: it is that of the first attempt, which the filter edited, and its body is the client's.
    pub fn corrected_length(&self) -> Option<usize> {
        self.length.filter(|length| *length != self.received).map(|_| self.received)
    }

    /// Records that the edit was made.
    pub fn confirm_edit(&mut self) {
        self.is_edited = true;
    }

    /// Reads the head of the response. Returns whether its `content-length` must be removed, since the body may
    /// become shorter.
    pub fn response_head(&mut self, head: &Headers<'_>) -> bool {
        let is_stream = head.media_type_is("text/event-stream");
        let is_answer = head.status().is_some_and(|status| (200..300).contains(&status));
        let has_length = head.get("content-length").is_some();
        // Some servers stream with another content type, but a response with a length is not a stream.
        if self.is_edited && is_answer && !head.is_encoded() && (is_stream || !has_length) {
            self.filter = Some(UsageChunkFilter::new(&self.memory));
        }
        self.filter.is_some() && has_length
    }

    /// Stops removing chunks from the response. Returns the held bytes, which must pass, or `None` if there are none.
    pub fn stop_filtering(&mut self) -> Option<Vec<u8>> {
        let held = self.filter.take()?.into_held();
        (!held.is_empty()).then_some(held)
    }

    /// Returns the bytes to pass instead of these bytes of the response. `None` if these bytes pass unchanged.
    pub fn response_body(&mut self, bytes: &[u8], end: bool) -> Option<Vec<u8>> {
        self.filter.as_mut()?.feed(bytes, end)
    }
}

#[cfg(test)]
mod tests;
