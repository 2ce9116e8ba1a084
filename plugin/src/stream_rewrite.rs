//! The bytes of one stream that may have to change, and the request that waits for them.

use std::rc::Rc;

use llm_gauge_engine::exchange::End;
use llm_gauge_engine::exchange::Exchange;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::rewrite::Rewrite;
use proxy_wasm::types::{Action, BufferType, MapType};

use crate::perform;
use crate::shared::Shared;

pub(crate) struct StreamRewrite {
    shared: Rc<Shared>,
    stream: u32,
    rewrite: Rewrite,
    /// Bytes of the request that are held, and were seen.
    held_bytes: usize,
    /// `x-request-id`, which stays the same when the proxy follows a redirect itself.
    request_id: Vec<u8>,
}

/// What Envoy says of a stream whose redirect it follows itself. The stream that does follows in the same thread,
/// and before any other: it has the head and the body as they were after the change.
const REDIRECTED: &str = "internal_redirect";

impl StreamRewrite {
    pub(crate) fn begin(
        shared: &Rc<Shared>,
        stream: u32,
        exchange: &Exchange,
        head: &Headers<'_>,
    ) -> Option<Self> {
        let request_id = head.get("x-request-id").unwrap_or_default();
        let is_redirected = shared.redirected.take().is_some_and(|before| before == request_id);
        let rewrite = if is_redirected {
            Rewrite::of_resent_request(&shared.policy)
        } else {
            Rewrite::begin(&shared.policy, exchange.format(), exchange.provider(), head)?
        };
        let request_id = request_id.to_vec();
        Some(Self { shared: Rc::clone(shared), stream, rewrite, held_bytes: 0, request_id })
    }

    /// The head of the request: what becomes of it. `None`: there is nothing more to do.
    pub(crate) fn request_head(&self) -> Option<Action> {
        if self.rewrite.holds_request() {
            return self.shared.held_requests.begin(self.stream).then_some(Action::Pause);
        }
        self.refuse_encodings();
        Some(Action::Continue)
    }

    /// Bytes of the request that were seen before.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Further bytes of the request, of which `at_hand` can be changed: what becomes of them. `None`: there is nothing
    /// more to do.
    pub(crate) fn request_body(&mut self, bytes: &[u8], at_hand: usize, end: bool) -> Option<Action> {
        let is_held = self.rewrite.holds_request();
        if is_held && !self.shared.held_requests.shows_body(self.stream) {
            return None;
        }
        if let Some(edit) = self.rewrite.request_body(bytes, end) {
            let length = is_held.then(|| self.rewrite.length_after(&edit));
            if perform::edit_request(&edit, at_hand, length, self.shared.policy.memory()) {
                self.rewrite.confirm_edit();
                if is_held {
                    self.refuse_encodings();
                }
            }
        }
        self.held_bytes = if is_held { at_hand } else { 0 };
        Some(if is_held && !end { Action::Pause } else { Action::Continue })
    }

    /// The head of the response.
    pub(crate) fn response_head(&mut self, head: &Headers<'_>) {
        if self.rewrite.response_head(head) {
            perform::remove_header(MapType::HttpResponseHeaders, "content-length");
        }
    }

    /// Bytes of the response.
    pub(crate) fn response_body(&mut self, bytes: &[u8], end: bool) {
        if let Some(body) = self.rewrite.response_body(bytes, end) {
            perform::replace_body(BufferType::HttpResponseBody, bytes.len(), &body);
        }
    }

    /// Bytes of the response could not be had: what was held before them passes in front of them, and so does the rest.
    pub(crate) fn response_lost(&mut self) {
        if let Some(held) = self.rewrite.stop_filtering() {
            perform::replace_body(BufferType::HttpResponseBody, 0, &held);
        }
    }

    /// The stream is over.
    pub(crate) fn end(self, end: &End) {
        self.shared.held_requests.end(self.stream);
        if self.rewrite.is_edited() && end.details == REDIRECTED {
            self.shared.redirected.replace(Some(self.request_id));
        }
    }

    fn refuse_encodings(&self) {
        if self.rewrite.needs_identity_encoding() {
            perform::set_header(MapType::HttpRequestHeaders, "accept-encoding", "identity");
        }
    }
}
