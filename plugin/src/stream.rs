//! The HTTP context: each callback is one method of the exchange. Bodies are looked at as they pass; only a request
//! that the configuration wants rewritten is held.

use std::rc::Rc;

use llm_gauge_engine::exchange::Exchange;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::outputs;
use llm_gauge_engine::rewrite::Rewrite;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, BufferType, MapType};

use crate::perform;
use crate::root::Shared;

pub(crate) struct Stream {
    id: u32,
    shared: Option<Rc<Shared>>,
    /// There while a metered exchange is under way.
    exchange: Option<Exchange>,
    /// There while bytes of a metered exchange may have to change.
    rewrite: Option<Rewrite>,
    /// Bytes of the request that are held, and were seen.
    held_bytes: usize,
}

impl Stream {
    pub(crate) fn new(id: u32, shared: Option<Rc<Shared>>) -> Self {
        Self { id, shared, exchange: None, rewrite: None, held_bytes: 0 }
    }

    /// The cheapest questions come first: most of a gateway's traffic is not ours.
    fn begin(&self) -> Option<(Exchange, Option<Rewrite>)> {
        let policy = &self.shared.as_ref()?.policy;
        let method = perform::header(MapType::HttpRequestHeaders, ":method")?;
        let path = perform::header(MapType::HttpRequestHeaders, ":path")?;
        let host = perform::header(MapType::HttpRequestHeaders, ":authority").unwrap_or_default();
        if !policy.may_meter(&method, &host, &path) {
            return None;
        }
        let map = perform::headers(MapType::HttpRequestHeaders);
        let place = perform::place(policy.asks_for_place());
        let head = Headers::decode(&map);
        let exchange = Exchange::begin(policy, &head, &place, perform::random(), perform::now_ns())?;
        let rewrite = Rewrite::begin(policy, exchange.format(), exchange.provider(), &head);
        Some((exchange, rewrite))
    }

    /// The head of a request that may be rewritten: whether it waits.
    fn rewrite_head(&mut self) -> Option<Action> {
        let rewrite = self.rewrite.as_ref()?;
        if rewrite.holds_request() {
            if self.shared.as_ref()?.holding.begin(self.id) {
                return Some(Action::Pause);
            }
            self.rewrite = None;
        } else if rewrite.refuses_encodings() {
            perform::set_header(MapType::HttpRequestHeaders, "accept-encoding", "identity");
        }
        None
    }

    /// Further bytes of a request that may be rewritten, of which `at_hand` can be changed: whether they wait.
    fn rewrite_request(&mut self, bytes: &[u8], at_hand: usize, end: bool) -> Option<Action> {
        let rewrite = self.rewrite.as_mut()?;
        let is_held = rewrite.holds_request();
        if is_held && !self.shared.as_ref()?.holding.shows_body(self.id) {
            self.rewrite = None;
            return None;
        }
        if let Some(edit) = rewrite.request_body(bytes, end) {
            let length = is_held.then(|| rewrite.length_after(&edit));
            if perform::edit_request(&edit, at_hand, length) {
                rewrite.asked();
                if is_held && rewrite.refuses_encodings() {
                    perform::set_header(MapType::HttpRequestHeaders, "accept-encoding", "identity");
                }
            }
        }
        self.held_bytes = if is_held { at_hand } else { 0 };
        (is_held && !end).then_some(Action::Pause)
    }

    /// The one place where an exchange ends: taken out here, it cannot end twice.
    fn finish(&mut self) {
        if let (Some(exchange), Some(shared)) = (self.exchange.take(), &self.shared) {
            shared.holding.end(self.id);
            let record = exchange.finish(&perform::end(), perform::now_ns());
            let effects = outputs::of(&record, &shared.policy, &mut shared.series.borrow_mut());
            for effect in effects {
                perform::perform(&shared.stats, effect);
            }
        }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _fields: usize, end_of_stream: bool) -> Action {
        let begun = self.begin();
        (self.exchange, self.rewrite) =
            begun.map_or((None, None), |(exchange, rewrite)| (Some(exchange), rewrite));
        if let (Some(exchange), Some(shared)) = (&mut self.exchange, &self.shared) {
            perform::perform(&shared.stats, outputs::active(exchange.provider(), 1));
            if end_of_stream {
                exchange.request_end();
                self.rewrite = None;
            }
        }
        self.rewrite_head().unwrap_or(Action::Continue)
    }

    fn on_http_request_body(&mut self, bytes: usize, end_of_stream: bool) -> Action {
        let Some(exchange) = &mut self.exchange else {
            return Action::Continue;
        };
        let body = perform::body(
            BufferType::HttpRequestBody,
            self.held_bytes,
            bytes.saturating_sub(self.held_bytes),
        );
        exchange.request_body(&body);
        if end_of_stream {
            exchange.request_end();
        }
        self.rewrite_request(&body, bytes, end_of_stream).unwrap_or(Action::Continue)
    }

    fn on_http_request_trailers(&mut self, _fields: usize) -> Action {
        if let Some(exchange) = &mut self.exchange {
            exchange.request_end();
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _fields: usize, end_of_stream: bool) -> Action {
        if let Some(exchange) = &mut self.exchange {
            let map = perform::headers(MapType::HttpResponseHeaders);
            let head = Headers::decode(&map);
            exchange.response_head(&head);
            perform::set_header(MapType::HttpResponseHeaders, "x-llm-request-id", exchange.request_id());
            if self.rewrite.as_mut().is_some_and(|rewrite| rewrite.response_head(&head)) {
                perform::remove_header(MapType::HttpResponseHeaders, "content-length");
            }
            if end_of_stream {
                exchange.response_end();
            }
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, bytes: usize, end_of_stream: bool) -> Action {
        if let Some(exchange) = &mut self.exchange {
            let mut body = Vec::new();
            if bytes > 0 {
                body = perform::body(BufferType::HttpResponseBody, 0, bytes);
                exchange.response_body(&body, perform::now_ns());
            }
            if end_of_stream {
                exchange.response_end();
            }
            let rewrite = self.rewrite.as_mut();
            if let Some(body) = rewrite.and_then(|rewrite| rewrite.response_body(&body, end_of_stream)) {
                perform::replace_body(BufferType::HttpResponseBody, bytes, &body);
            }
        }
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, _fields: usize) -> Action {
        if let Some(exchange) = &mut self.exchange {
            exchange.response_end();
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        self.finish();
    }
}

/// A stream that goes without its log phase still gives back its active request.
impl Drop for Stream {
    fn drop(&mut self) {
        self.finish();
    }
}
