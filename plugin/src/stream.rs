//! The HTTP context: each callback is one method of the exchange. Bodies are looked at as they pass and never held.

use std::rc::Rc;

use llm_gauge_engine::exchange::Exchange;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::outputs;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, BufferType, MapType};

use crate::perform;
use crate::root::Shared;

pub(crate) struct Stream {
    shared: Option<Rc<Shared>>,
    /// There while a metered exchange is under way.
    exchange: Option<Exchange>,
}

impl Stream {
    pub(crate) fn new(shared: Option<Rc<Shared>>) -> Self {
        Self { shared, exchange: None }
    }

    /// All fields at once cost half of what the three do that tell whether the request is ours.
    fn begin(&self) -> Option<Exchange> {
        let policy = &self.shared.as_ref()?.policy;
        let map = perform::headers(MapType::HttpRequestHeaders);
        let head = Headers::decode(&map);
        if !policy.may_meter(head.get(":method")?) {
            return None;
        }
        let place = perform::place(policy.asks_for_place());
        Exchange::begin(policy, &head, &place, perform::random(), perform::now_ns())
    }

    /// The one place where an exchange ends: taken out here, it cannot end twice.
    fn finish(&mut self) {
        if let (Some(exchange), Some(shared)) = (self.exchange.take(), &self.shared) {
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
        self.exchange = self.begin();
        if let (Some(exchange), Some(shared)) = (&mut self.exchange, &self.shared) {
            perform::perform(&shared.stats, outputs::active(exchange.provider(), 1));
            if end_of_stream {
                exchange.request_end();
            }
        }
        Action::Continue
    }

    fn on_http_request_body(&mut self, bytes: usize, end_of_stream: bool) -> Action {
        if let Some(exchange) = &mut self.exchange {
            exchange.request_body(&perform::body(BufferType::HttpRequestBody, bytes));
            if end_of_stream {
                exchange.request_end();
            }
        }
        Action::Continue
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
            exchange.response_head(&Headers::decode(&map));
            perform::set_response_header("x-llm-request-id", exchange.request_id());
            if end_of_stream {
                exchange.response_end();
            }
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, bytes: usize, end_of_stream: bool) -> Action {
        if let Some(exchange) = &mut self.exchange {
            if bytes > 0 {
                let body = perform::body(BufferType::HttpResponseBody, bytes);
                exchange.response_body(&body, perform::now_ns());
            }
            if end_of_stream {
                exchange.response_end();
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
