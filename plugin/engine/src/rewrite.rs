//! Usage on request: streams that only tell their usage when asked are asked, and the client that did not ask never
//! sees the answer.
//!
//! A request of known length is held until its end, since its head has to say the new length; one of unknown length
//! passes as it comes, and only the piece that the edit falls into is changed. Whatever cannot be edited for certain
//! passes untouched, and its usage stays unknown: asking is worth less than an exchange that works.

mod ask;
mod hide;
mod look;

use llm_gauge_decode::MemoryBudget;

use self::ask::Ask;
use self::hide::Hide;
use crate::config::Policy;
use crate::formats::Format;
use crate::head::Headers;

/// The rewriting of one exchange.
#[derive(Debug)]
pub struct Rewrite {
    ask: Ask,
    /// The length that the request's head tells.
    length: Option<usize>,
    /// Bytes of the request that came so far.
    came: usize,
    /// The client accepts compressed answers, from which nothing could be taken out.
    accepts_encodings: bool,
    is_asked: bool,
    hide: Option<Hide>,
    memory: MemoryBudget,
}

/// A change of the bytes at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Where.
    pub at: usize,
    /// Bytes that go.
    pub removed: usize,
    /// Bytes that come in their place.
    pub insert: &'static str,
}

impl Edit {
    /// The bytes after the change.
    pub fn apply(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (before, rest) = bytes.split_at_checked(self.at)?;
        let after = rest.get(self.removed..)?;
        Some([before, self.insert.as_bytes(), after].concat())
    }
}

impl Rewrite {
    /// The rewriting of an exchange that begins with this head, if the policy wants any and the request may need it.
    pub fn begin(policy: &Policy, format: &Format, provider: &str, head: &Headers<'_>) -> Option<Self> {
        let option = format.include_usage.filter(|_| policy.requests_usage())?;
        let path = String::from_utf8_lossy(head.get(":path")?);
        // A client that waits for `100 Continue` may wait for an upstream that a held head never reaches.
        let is_readable =
            head.media_type_is("application/json") && !head.is_encoded() && head.get("expect").is_none();
        if !is_readable || !option.is_understood(provider, &path) {
            return None;
        }
        let length = match head.get("content-length") {
            None => None,
            Some(_) => Some(head.text("content-length")?.parse().ok()?),
        };
        // Beyond the bound the proxy might refuse what it cannot hold.
        if length.is_some_and(|length: usize| length == 0 || length > policy.request_bytes_max()) {
            return None;
        }
        let accepted = head.get("accept-encoding").unwrap_or(b"identity");
        Some(Self {
            ask: Ask::default(),
            length,
            came: 0,
            accepts_encodings: !accepted.eq_ignore_ascii_case(b"identity"),
            is_asked: false,
            hide: None,
            memory: policy.memory().clone(),
        })
    }

    /// The rewriting of an exchange whose request was made to ask before, and comes again as it was then.
    pub fn of_asked(policy: &Policy) -> Self {
        Self {
            ask: Ask::default(),
            length: None,
            came: 0,
            accepts_encodings: false,
            is_asked: true,
            hide: None,
            memory: policy.memory().clone(),
        }
    }

    /// Whether the request asks because it was changed.
    pub fn is_asked(&self) -> bool {
        self.is_asked
    }

    /// Whether the request is held until its end.
    pub fn holds_request(&self) -> bool {
        self.length.is_some()
    }

    /// Whether `accept-encoding` must become `identity`. For a held request the answer counts once it is edited.
    pub fn refuses_encodings(&self) -> bool {
        self.accepts_encodings
    }

    /// Further bytes of the request, and the change that follows from them: in all of it where it is held, else in
    /// just these bytes.
    pub fn request_body(&mut self, bytes: &[u8], end: bool) -> Option<Edit> {
        let before = self.came;
        self.came = self.came.saturating_add(bytes.len());
        self.ask.feed(bytes);
        if self.holds_request() {
            let is_whole = end && self.ask.is_complete() && self.length == Some(self.came);
            return self.ask.edit().filter(|_| is_whole);
        }
        let edit = self.ask.edit().filter(|_| !self.is_asked)?;
        // What has passed cannot be changed any more: then the request stays as it is.
        let at = edit.at.checked_sub(before)?;
        Some(Edit { at, ..edit }).filter(|edit| at.saturating_add(edit.removed) <= bytes.len())
    }

    /// The length of the whole request after the change.
    pub fn length_after(&self, edit: &Edit) -> usize {
        self.came.saturating_sub(edit.removed).saturating_add(edit.insert.len())
    }

    /// The change was made.
    pub fn asked(&mut self) {
        self.is_asked = true;
    }

    /// The head of the response; whether its `content-length` must go, since the body may become shorter.
    pub fn response_head(&mut self, head: &Headers<'_>) -> bool {
        let is_stream = head.media_type_is("text/event-stream");
        let is_answer = head.status().is_some_and(|status| (200..300).contains(&status));
        let has_length = head.get("content-length").is_some();
        // Some servers stream under another name; one that tells the length beforehand does not stream.
        if self.is_asked && is_answer && !head.is_encoded() && (is_stream || !has_length) {
            self.hide = Some(Hide::new(&self.memory));
        }
        self.hide.is_some() && has_length
    }

    /// Nothing more is taken out of the response; what was held, if anything, has to pass.
    pub fn stop_hiding(&mut self) -> Option<Vec<u8>> {
        let held = self.hide.take()?.into_held();
        (!held.is_empty()).then_some(held)
    }

    /// What the client gets in the place of these bytes of the response; `None`: just those.
    pub fn response_body(&mut self, bytes: &[u8], end: bool) -> Option<Vec<u8>> {
        self.hide.as_mut()?.feed(bytes, end)
    }
}

#[cfg(test)]
mod tests;
