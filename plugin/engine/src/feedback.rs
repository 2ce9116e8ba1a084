//! Feedback: a request in which a user rates an answer. The filter answers it, and no upstream receives it.
//!
//! ```text
//!  head ─> not a POST, too long ───────────────────────────────────────> reply
//!    └───> body ─> JSON ─> request id ─> signature, age ─> rate ─> 202 ──> reply
//!                                                           └─> AcceptedFeedback ──> a count and an evaluation
//! ```
//!
//! Every request gets one of the replies: nothing fails, and nothing is passed on to the upstream.

mod plan;
mod rate;
mod reply;
mod validate;

use std::rc::Rc;

use llm_gauge_decode::{Buffer, MemoryBudget};

pub use plan::FeedbackPlan;
pub use rate::Rate;
pub use reply::FeedbackReply;
pub use validate::{AcceptedFeedback, Rating};

use crate::head::Headers;
use reply::ReplyContext;

/// The header that may hold the feedback in place of the body, for proxies that do not pass a body to the filter before
/// the upstream gets the request.
const FEEDBACK_HEADER: &str = "x-llm-feedback";

/// A feedback request whose body is still to arrive, unless the head has the feedback.
#[derive(Debug)]
pub struct Request {
    plan: Rc<FeedbackPlan>,
    context: ReplyContext,
    body: Buffer,
    is_complete: bool,
}

impl Request {
    /// Begins the request with this head.
    ///
    /// # Errors
    ///
    /// Returns the reply if the request is invalid without its body. `is_all` is whether the request has no body.
    pub fn begin(
        plan: &Rc<FeedbackPlan>,
        head: &Headers<'_>,
        is_all: bool,
        memory: &MemoryBudget,
    ) -> Result<Self, FeedbackReply> {
        let context = ReplyContext::of(plan, head);
        let method = head.get(":method").unwrap_or_default();
        if method == b"OPTIONS" && plan.has_cors() {
            return Err(context.options());
        }
        if method != b"POST" {
            return Err(context.wrong_method(plan.has_cors()));
        }
        let length = head.text("content-length").and_then(|length| length.parse::<u64>().ok());
        if length.is_some_and(|length| length > plan.bytes_max() as u64) {
            return Err(context.too_large(plan.bytes_max()));
        }
        let mut body = memory.for_requests().buffer();
        if let Some(feedback) = head.get(FEEDBACK_HEADER) {
            if feedback.len() > plan.bytes_max() {
                return Err(context.too_large(plan.bytes_max()));
            }
            return match body.extend(feedback) {
                Ok(()) => Ok(Self { plan: Rc::clone(plan), context, body, is_complete: true }),
                Err(_) => Err(context.no_memory()),
            };
        }
        if is_all {
            return Err(context.bad_request("body", "expected a JSON object"));
        }
        Ok(Self { plan: Rc::clone(plan), context, body, is_complete: false })
    }

    /// Returns whether all of the feedback was in the head, so that no body is waited for.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Reads bytes of the body. Returns a reply if the body exceeds its bound, or the memory budget has no room for
    /// it. The rest of the body need not be read then.
    pub fn body(&mut self, bytes: &[u8]) -> Option<FeedbackReply> {
        if self.body.len().saturating_add(bytes.len()) > self.plan.bytes_max() {
            self.body.clear_to(0);
            return Some(self.context.too_large(self.plan.bytes_max()));
        }
        if self.body.extend(bytes).is_err() {
            self.body.clear_to(0);
            return Some(self.context.no_memory());
        }
        None
    }

    /// Ends the body at `unix_s` of the wall clock. `take` counts one feedback, and fails if that exceeds the bound
    /// per minute.
    ///
    /// Returns the reply, and the feedback if it was accepted.
    pub fn end(
        &self,
        unix_s: u64,
        take: impl FnOnce(u64) -> Result<(), u64>,
    ) -> (FeedbackReply, Option<AcceptedFeedback>) {
        let feedback = match validate::validate(self.body.bytes(), &self.plan, unix_s) {
            Err(refusal) => return (self.context.refusal(&refusal), None),
            Ok(feedback) => feedback,
        };
        // The rate is checked last, so that clients without a signed id cannot use it up for others.
        match take(self.plan.per_minute()) {
            Err(wait_s) => (self.context.too_many(wait_s), None),
            Ok(()) => (self.context.accepted(), Some(feedback)),
        }
    }

    /// Returns the reply if the host has no memory for the body.
    pub fn no_memory_reply(&self) -> FeedbackReply {
        self.context.no_memory()
    }

    /// Returns the reply if the proxy never passes the body to the filter.
    pub fn hidden_body_reply(&self) -> FeedbackReply {
        self.context.body_hidden()
    }
}

#[cfg(test)]
mod tests;
