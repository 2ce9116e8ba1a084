//! Feedback in one stream: the request is held at its head, so that it reaches no upstream, and the filter answers
//! it.

pub(crate) mod endpoint;

use std::rc::Rc;

use llm_gauge_engine::effects::feedback_effects;
use llm_gauge_engine::feedback::{FeedbackPlan, FeedbackReply, Request};
use llm_gauge_engine::head::Headers;
use proxy_wasm::types::{Action, BufferType};

use crate::perform;
use crate::plugin_state::PluginState;

/// A feedback request whose body is still arriving.
pub(crate) struct FeedbackRequest {
    shared: Rc<PluginState>,
    stream: u32,
    request: Request,
    /// The number of held bytes that have been read.
    held_bytes: usize,
    is_answered: bool,
}

impl FeedbackRequest {
    /// Begins the request. `None` if it was answered at once, since the reply does not depend on its body.
    pub(crate) fn begin(
        shared: &Rc<PluginState>,
        stream: u32,
        plan: &Rc<FeedbackPlan>,
        head: &Headers<'_>,
        is_all: bool,
    ) -> Option<Self> {
        match Request::begin(plan, head, is_all, shared.policy.memory()) {
            Ok(request) => {
                let (shared, is_complete) = (Rc::clone(shared), request.is_complete());
                let mut feedback = Self { shared, stream, request, held_bytes: 0, is_answered: false };
                if is_complete {
                    feedback.end();
                    return None;
                }
                let reply = feedback.request.hidden_body_reply();
                feedback.shared.held_requests.begin_feedback(stream, reply);
                Some(feedback)
            }
            Err(reply) => {
                perform::reply(&reply);
                None
            }
        }
    }

    /// Reads new bytes of the body. `buffered_bytes` is the number of held bytes, old and new.
    pub(crate) fn body(&mut self, buffered_bytes: usize, is_end: bool) -> Action {
        if self.is_answered || !self.shared.held_requests.body_arrived(self.stream) {
            return Action::Pause; // answered before
        }
        let bytes = buffered_bytes.saturating_sub(self.held_bytes);
        let memory = self.shared.policy.memory();
        let body = perform::body(BufferType::HttpRequestBody, self.held_bytes, bytes, memory);
        self.held_bytes = buffered_bytes;
        let reply = match body {
            Some(body) => self.request.body(&body),
            None => Some(self.request.no_memory_reply()),
        };
        match reply {
            Some(reply) => self.answer(&reply),
            None if is_end => self.end(),
            None => {}
        }
        Action::Pause
    }

    /// Ends the request, whose body is complete.
    pub(crate) fn end(&mut self) {
        let Some(endpoint) = self.shared.feedback.as_ref().filter(|_| !self.is_answered) else {
            return;
        };
        let (reply, given) = self.request.end(perform::unix_s(), |per_minute| endpoint.take(per_minute));
        if let Some(given) = given {
            let random = endpoint.random();
            let mut series = self.shared.series.borrow_mut();
            let effects = feedback_effects(given, &self.shared.policy, &mut series, random);
            drop(series);
            self.shared.perform(effects);
        }
        self.answer(&reply);
    }

    fn answer(&mut self, reply: &FeedbackReply) {
        self.is_answered = true;
        perform::reply(reply);
    }
}

impl Drop for FeedbackRequest {
    fn drop(&mut self) {
        self.shared.held_requests.end(self.stream);
    }
}
