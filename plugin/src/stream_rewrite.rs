//! The rewriting of one stream: its bytes that may have to change, and the request that is held for that.

use std::rc::Rc;

use llm_gauge_engine::exchange::End;
use llm_gauge_engine::exchange::Exchange;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::rewrite::Rewrite;
use proxy_wasm::types::{Action, BufferType, MapType};

use crate::perform;
use crate::plugin_state::PluginState;

pub(crate) struct StreamRewrite {
    shared: Rc<PluginState>,
    stream: u32,
    rewrite: Rewrite,
    /// The number of held bytes of the request that have been read.
    held_bytes: usize,
    /// The header `x-request-id`, which stays the same when the proxy follows a redirect itself.
    request_id: Vec<u8>,
}

/// An edited request whose redirect the proxy follows itself.
pub(crate) struct RedirectedRequest {
    /// The header `x-request-id`; empty if there is none.
    request_id: Vec<u8>,
    ended_ns: u64,
}

impl RedirectedRequest {
    /// Returns whether this is the head of the request that follows the redirect. The proxy sends it at once, and names
    /// the original URL in it.
    pub(crate) fn is_followed_by(&self, head: &Headers<'_>) -> bool {
        self.request_id == head.get("x-request-id").unwrap_or_default()
            && head.get("x-envoy-original-url").is_some()
            && perform::now_ns().saturating_sub(self.ended_ns) < FOLLOWED_NS_MAX
    }
}

/// The time in nanoseconds after which a request does not follow a redirect any more.
const FOLLOWED_NS_MAX: u64 = 100_000_000;

/// The response details of a stream whose redirect Envoy follows itself. The next stream in the same thread is the
/// one that follows it, and has the edited head and body.
const REDIRECTED: &str = "internal_redirect";

impl StreamRewrite {
    pub(crate) fn begin(
        shared: &Rc<PluginState>,
        stream: u32,
        exchange: &Exchange,
        head: &Headers<'_>,
        is_redirected: bool,
    ) -> Option<Self> {
        let rewrite = if is_redirected {
            Rewrite::of_resent_request(&shared.policy)
        } else {
            Rewrite::begin(&shared.policy, exchange.format(), exchange.provider(), head)?
        };
        let request_id = head.get("x-request-id").unwrap_or_default().to_vec();
        Some(Self { shared: Rc::clone(shared), stream, rewrite, held_bytes: 0, request_id })
    }

    /// Handles the head of the request, and returns the action. `None` if the rewriting has ended.
    pub(crate) fn request_head(&self) -> Option<Action> {
        if self.rewrite.holds_request() {
            return self.shared.held_requests.begin(self.stream).then_some(Action::Pause);
        }
        self.set_identity_encoding();
        Some(Action::Continue)
    }

    /// Returns the number of held bytes of the request that have been read.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Handles new bytes of the request, and returns the action. `buffered_bytes` is the number of bytes that can be
    /// changed.
    ///
    /// `None` if the rewriting has ended.
    pub(crate) fn request_body(&mut self, bytes: &[u8], buffered_bytes: usize, end: bool) -> Option<Action> {
        let is_held = self.rewrite.holds_request();
        if is_held && !self.shared.held_requests.body_arrived(self.stream) {
            return None;
        }
        if let Some(edit) = self.rewrite.request_body(bytes, end) {
            let length = is_held.then(|| self.rewrite.length_after(&edit));
            if perform::edit_request(&edit, buffered_bytes, length, self.shared.policy.memory()) {
                self.rewrite.confirm_edit();
                if is_held {
                    self.set_identity_encoding();
                }
            }
        }
        if is_held && end && !self.rewrite.is_edited() {
            let length = self.rewrite.corrected_length();
            if let Some(length) = length {
                perform::set_length(length);
            }
        }
        self.held_bytes = if is_held { buffered_bytes } else { 0 };
        Some(if is_held && !end { Action::Pause } else { Action::Continue })
    }

    /// Handles the head of the response.
    pub(crate) fn response_head(&mut self, head: &Headers<'_>) {
        if self.rewrite.response_head(head) {
            perform::remove_header(MapType::HttpResponseHeaders, "content-length");
        }
    }

    /// Handles bytes of the response.
    pub(crate) fn response_body(&mut self, bytes: &[u8], end: bool) {
        if let Some(body) = self.rewrite.response_body(bytes, end) {
            perform::replace_body(BufferType::HttpResponseBody, bytes.len(), &body);
        }
    }

    /// Handles the loss of a piece of the response, which could not be copied: the held bytes pass before it, and all
    /// later bytes pass unchanged.
    pub(crate) fn stop_response(&mut self) {
        if let Some(held) = self.rewrite.stop_filtering() {
            perform::replace_body(BufferType::HttpResponseBody, 0, &held);
        }
    }

    /// Ends the stream.
    pub(crate) fn end(self, end: &End) {
        self.shared.held_requests.end(self.stream);
        if self.rewrite.is_edited() && end.details == REDIRECTED {
            let redirected = RedirectedRequest { request_id: self.request_id, ended_ns: perform::now_ns() };
            self.shared.redirected.replace(Some(redirected));
        }
    }

    fn set_identity_encoding(&self) {
        if self.rewrite.needs_identity_encoding() {
            perform::set_header(MapType::HttpRequestHeaders, "accept-encoding", "identity");
        }
    }
}
