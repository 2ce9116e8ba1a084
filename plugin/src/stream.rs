//! The HTTP context: each callback is one method of the exchange. Bodies are looked at as they pass; only a request
//! that the configuration wants rewritten is held.

use std::rc::Rc;

use llm_gauge_engine::effect::Effect;
use llm_gauge_engine::ending::End;
use llm_gauge_engine::exchange::Exchange;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::outputs;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, BufferType, MapType};

use crate::perform;
use crate::rewriting::Rewriting;
use crate::root::Shared;

pub(crate) struct Stream {
    id: u32,
    shared: Option<Rc<Shared>>,
    /// There while a metered exchange is under way.
    exchange: Option<Exchange>,
    /// There while bytes of a metered exchange may have to change.
    rewriting: Option<Box<Rewriting>>,
}

impl Stream {
    pub(crate) fn new(id: u32, shared: Option<Rc<Shared>>) -> Self {
        Self { id, shared, exchange: None, rewriting: None }
    }

    /// All fields at once cost half of what the three do that tell whether the request is ours.
    fn begin(&mut self) -> Option<()> {
        let shared = self.shared.as_ref()?;
        let policy = &shared.policy;
        let map = perform::headers(MapType::HttpRequestHeaders);
        let head = Headers::decode(&map);
        if !policy.may_meter(head.get(":method")?) {
            return None;
        }
        let place = perform::place(policy.asks_for_place());
        let random = shared.random.borrow_mut().next();
        self.exchange = Exchange::begin(policy, &head, &place, random, perform::now_ns());
        let rewriting = Rewriting::begin(shared, self.id, self.exchange.as_ref()?, &head);
        self.rewriting = rewriting.map(Box::new);
        Some(())
    }

    /// The answer to a callback of the request; without one there is nothing to rewrite any more.
    fn go_on(&mut self, action: Option<Action>) -> Action {
        if action.is_none() {
            self.rewriting = None;
        }
        action.unwrap_or(Action::Continue)
    }

    /// The one place where an exchange ends: taken out here, it cannot end twice.
    fn finish(&mut self) {
        if let (Some(exchange), Some(shared)) = (self.exchange.take(), &self.shared) {
            let rewriting = self.rewriting.take();
            // Each property costs as much as several stats.
            let is_told = rewriting.is_none() && exchange.ended_well();
            let end = if is_told { End::default() } else { perform::end() };
            if let Some(rewriting) = rewriting {
                rewriting.end(&end);
            }
            let record = exchange.finish(&end, perform::now_ns());
            let effects = outputs::of(&record, &shared.policy, &mut shared.series.borrow_mut());
            for effect in effects {
                match (effect, &shared.judging) {
                    (Effect::Judge(job), Some(judging)) => judging.submit(*job, &shared.stats),
                    (effect, _) => perform::perform(&shared.stats, effect),
                }
            }
        }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _fields: usize, end_of_stream: bool) -> Action {
        let _is_ours = self.begin();
        if let (Some(exchange), Some(shared)) = (&mut self.exchange, &self.shared) {
            perform::perform(&shared.stats, outputs::active(exchange.provider(), 1));
            if end_of_stream {
                exchange.request_end();
                self.rewriting = None;
            }
        }
        let action = self.rewriting.as_deref().and_then(Rewriting::request_head);
        self.go_on(action)
    }

    fn on_http_request_body(&mut self, bytes: usize, end_of_stream: bool) -> Action {
        let Some(exchange) = &mut self.exchange else {
            return Action::Continue;
        };
        let seen = self.rewriting.as_deref().map_or(0, Rewriting::held_bytes);
        let body = perform::body(BufferType::HttpRequestBody, seen, bytes.saturating_sub(seen));
        exchange.request_body(&body);
        if end_of_stream {
            exchange.request_end();
        }
        let rewriting = self.rewriting.as_mut();
        let action = rewriting.and_then(|rewriting| rewriting.request_body(&body, bytes, end_of_stream));
        self.go_on(action)
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
            if let Some(rewriting) = &mut self.rewriting {
                rewriting.response_head(&head);
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
            if let Some(rewriting) = &mut self.rewriting {
                rewriting.response_body(&body, end_of_stream);
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
