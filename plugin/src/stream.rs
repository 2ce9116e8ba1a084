//! The HTTP context: each callback is passed to the exchange. Bodies are read while they pass. Only requests that the
//! configuration wants to edit are held, and feedback, which reaches no upstream.

use std::rc::Rc;

use llm_gauge_engine::effects::{active_requests, dropped_exchange, exchange_effects, unmatched_request};
use llm_gauge_engine::exchange::End;
use llm_gauge_engine::exchange::{Exchange, SkipReason};
use llm_gauge_engine::head::Headers;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, BufferType, MapType};

use crate::callout_mark;
use crate::chain::ChainPlace;
use crate::feedback::FeedbackRequest;
use crate::perform;
use crate::plugin_state::PluginState;
use crate::stream_rewrite::StreamRewrite;

pub(crate) struct Stream {
    id: u32,
    shared: Option<Rc<PluginState>>,
    /// The exchange. `None` if none is metered, or it has ended. It is boxed, so that a stream that is not metered
    /// needs little memory.
    exchange: Option<Box<Exchange>>,
    /// The rewriting of a metered exchange. `None` if no bytes may have to change.
    rewrite: Option<Box<StreamRewrite>>,
    /// The place of a metered exchange among those in progress.
    place: Option<ChainPlace>,
    /// The feedback request. `None` if the request is not feedback; if it is, nothing is metered.
    feedback: Option<Box<FeedbackRequest>>,
}

impl Stream {
    pub(crate) fn new(id: u32, shared: Option<Rc<PluginState>>) -> Self {
        Self { id, shared, exchange: None, rewrite: None, place: None, feedback: None }
    }

    /// Begins an exchange or a feedback request. Returns the action of a feedback request, and `None` otherwise.
    ///
    /// All headers are fetched at once, which costs half as much as the three that select the request.
    fn begin(&mut self, end_of_stream: bool) -> Option<Action> {
        let shared = self.shared.as_ref()?;
        let policy = &shared.policy;
        let map = perform::headers(MapType::HttpRequestHeaders);
        let head = Headers::decode(&map);
        let is_own_call = callout_mark::take(&shared.mark, &head);
        // Whatever follows a redirect is the next request of this worker.
        let redirected = shared.redirected.take();
        if let Some(plan) = policy.feedback().filter(|plan| plan.is_at(&head)) {
            let feedback = FeedbackRequest::begin(shared, self.id, plan, &head, end_of_stream);
            self.feedback = feedback.map(Box::new);
            return Some(Action::Pause);
        }
        if is_own_call || !policy.may_meter(head.get(":method")?) {
            return None;
        }
        let place = perform::place(policy.needs_place());
        let random = shared.random.borrow_mut().next();
        match Exchange::begin(policy, &head, &place, random, perform::now_ns()) {
            Ok(exchange) => {
                self.place = Some(ChainPlace::enter(self.id, &head)?);
                self.exchange = Some(Box::new(exchange));
            }
            Err(SkipReason::Memory) => perform::update_stat(&shared.stats, dropped_exchange()),
            Err(SkipReason::Unmatched) => {
                if let Some(update) = unmatched_request(policy, &head, &place) {
                    perform::update_stat(&shared.stats, update);
                }
            }
        }
        let is_redirected = redirected.is_some_and(|before| before.is_followed_by(&head));
        let exchange = self.exchange.as_ref()?;
        let rewrite = StreamRewrite::begin(shared, self.id, exchange, &head, is_redirected);
        self.rewrite = rewrite.map(Box::new);
        None
    }

    /// Returns the action of a request callback. Without one the rewriting has ended.
    fn request_action(&mut self, action: Option<Action>) -> Action {
        if action.is_none() {
            self.rewrite = None;
        }
        action.unwrap_or(Action::Continue)
    }

    /// Ends the exchange. No other function does, and it removes the exchange, so that none can end twice.
    fn finish(&mut self) {
        if let (Some(exchange), Some(shared)) = (self.exchange.take(), &self.shared) {
            let rewrite = self.rewrite.take();
            self.place = None;
            // Each property costs as much as several stats.
            let is_complete = rewrite.is_none() && exchange.is_complete_success();
            let end = if is_complete { End::default() } else { perform::end() };
            if let Some(rewrite) = rewrite {
                rewrite.end(&end);
            }
            let record = exchange.finish(&end, perform::now_ns());
            let effects = exchange_effects(&record, &shared.policy, &mut shared.series.borrow_mut());
            shared.perform(effects);
        }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _fields: usize, end_of_stream: bool) -> Action {
        if let Some(action) = self.begin(end_of_stream) {
            return action;
        }
        if let (Some(exchange), Some(shared)) = (&mut self.exchange, &self.shared) {
            perform::update_stat(&shared.stats, active_requests(exchange.provider(), 1));
            if end_of_stream {
                exchange.request_end();
                self.rewrite = None;
            }
        }
        let action = self.rewrite.as_deref().and_then(StreamRewrite::request_head);
        self.request_action(action)
    }

    fn on_http_request_body(&mut self, bytes: usize, end_of_stream: bool) -> Action {
        if let Some(feedback) = &mut self.feedback {
            return feedback.body(bytes, end_of_stream);
        }
        let Some(exchange) = &mut self.exchange else {
            return Action::Continue;
        };
        let Some(shared) = &self.shared else {
            return Action::Continue;
        };
        let memory = shared.policy.memory();
        let mut action = None;
        if let Some(rewrite) = &mut self.rewrite {
            // In one piece, since bytes may have to change.
            let held_bytes = rewrite.held_bytes();
            let body = perform::body(
                BufferType::HttpRequestBody,
                held_bytes,
                bytes.saturating_sub(held_bytes),
                memory,
            );
            match body {
                Some(body) => {
                    exchange.request_body(&body);
                    action = rewrite.request_body(&body, bytes, end_of_stream);
                }
                None => exchange.stop_request(),
            }
        } else {
            for (start, length) in pieces(bytes) {
                match perform::body(BufferType::HttpRequestBody, start, length, memory) {
                    Some(body) => exchange.request_body(&body),
                    None => exchange.stop_request(),
                }
            }
        }
        if end_of_stream {
            exchange.request_end();
        }
        self.request_action(action)
    }

    fn on_http_request_trailers(&mut self, _fields: usize) -> Action {
        if let Some(feedback) = &mut self.feedback {
            feedback.end();
            return Action::Pause;
        }
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
            let request_id = exchange.issue(u32::try_from(perform::unix_s()).unwrap_or(u32::MAX));
            perform::set_header(MapType::HttpResponseHeaders, "x-llm-request-id", request_id);
            if let Some(rewrite) = &mut self.rewrite {
                rewrite.response_head(&head);
            }
            if end_of_stream {
                exchange.response_end();
            }
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, bytes: usize, end_of_stream: bool) -> Action {
        let (Some(exchange), Some(shared)) = (&mut self.exchange, &self.shared) else {
            return Action::Continue;
        };
        let memory = shared.policy.memory();
        if let Some(rewrite) = &mut self.rewrite {
            // In one piece, since bytes may have to change.
            match perform::body(BufferType::HttpResponseBody, 0, bytes, memory) {
                Some(body) => {
                    exchange.response_body(&body, perform::now_ns());
                    rewrite.response_body(&body, end_of_stream);
                }
                None => {
                    exchange.stop_response();
                    rewrite.stop_response();
                }
            }
        } else if bytes > 0 {
            let now_ns = perform::now_ns();
            for (start, length) in pieces(bytes) {
                match perform::body(BufferType::HttpResponseBody, start, length, memory) {
                    Some(body) => exchange.response_body(&body, now_ns),
                    None => exchange.stop_response(),
                }
            }
        }
        if end_of_stream {
            exchange.response_end();
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

/// The number of bytes of a body that are copied from the host at once. It is large enough to make the cost of a call
/// negligible, and small enough that a proxy with large buffers does not make the VM's memory as large.
const PIECE_BYTES: usize = 256 * 1024;

/// Returns the start and the length of each piece of a body with `bytes` bytes.
fn pieces(bytes: usize) -> impl Iterator<Item = (usize, usize)> {
    let starts = (0..bytes).step_by(PIECE_BYTES);
    starts.map(move |start| (start, bytes.saturating_sub(start).min(PIECE_BYTES)))
}

/// A stream that is dropped without its log phase must still decrement its active request.
impl Drop for Stream {
    fn drop(&mut self) {
        self.finish();
    }
}
