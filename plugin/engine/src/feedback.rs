//! Feedback: a request of its own that says what a user made of an answer, and that no upstream sees.
//!
//! ```text
//!  head ─> not a POST, too long ───────────────────────────────────────> reply
//!    └───> body ─> JSON ─> request id ─> signature, age ─> rate ─> 202 ──> reply
//!                                                           └─> AcceptedFeedback ──> a count and an evaluation
//! ```
//!
//! Whatever comes in, one of the replies goes out: there is no failure and no way on to the upstream.

mod plan;
mod rate;
mod read;
mod reply;

use std::rc::Rc;

use llm_gauge_decode::{Buffer, MemoryBudget};

pub use plan::FeedbackPlan;
pub use rate::Rate;
pub use read::{AcceptedFeedback, Rating};
pub use reply::FeedbackReply;

use crate::head::Headers;
use reply::Sender;

/// A request at the path of feedback, whose body is still to come.
#[derive(Debug)]
pub struct Request {
    plan: Rc<FeedbackPlan>,
    sender: Sender,
    body: Buffer,
}

impl Request {
    /// The request with this head, or the reply to one whose body need not be waited for.
    pub fn begin(
        plan: &Rc<FeedbackPlan>,
        head: &Headers<'_>,
        is_all: bool,
        memory: &MemoryBudget,
    ) -> Result<Self, FeedbackReply> {
        let sender = Sender::of(plan, head);
        let method = head.get(":method").unwrap_or_default();
        if method == b"OPTIONS" && plan.has_cors() {
            return Err(sender.options());
        }
        if method != b"POST" {
            return Err(sender.wrong_method(plan.has_cors()));
        }
        let length = head.text("content-length").and_then(|length| length.parse::<u64>().ok());
        if length.is_some_and(|length| length > plan.bytes_max() as u64) {
            return Err(sender.too_large(plan.bytes_max()));
        }
        if is_all {
            return Err(sender.refuse("body", "expected a JSON object"));
        }
        Ok(Self { plan: Rc::clone(plan), sender, body: memory.for_requests().buffer() })
    }

    /// Further bytes of the body; the reply, if they are too many or there is no memory for them. Then nothing more need be read.
    pub fn body(&mut self, bytes: &[u8]) -> Option<FeedbackReply> {
        if self.body.len().saturating_add(bytes.len()) > self.plan.bytes_max() {
            self.body.clear_to(0);
            return Some(self.sender.too_large(self.plan.bytes_max()));
        }
        if self.body.extend(bytes).is_err() {
            self.body.clear_to(0);
            return Some(self.sender.no_memory());
        }
        None
    }

    /// The body has ended at `unix_s` of the wall clock. `take` says whether one more is within a bound per minute. The
    /// reply, and what was accepted.
    pub fn end(
        &self,
        unix_s: u64,
        take: impl FnOnce(u64) -> Result<(), u64>,
    ) -> (FeedbackReply, Option<AcceptedFeedback>) {
        let feedback = match read::read(self.body.bytes(), &self.plan, unix_s) {
            Err(refusal) => return (self.sender.refused(&refusal), None),
            Ok(feedback) => feedback,
        };
        // Last, so that nobody without a signed id can use it up for others.
        match take(self.plan.per_minute()) {
            Err(wait_s) => (self.sender.too_many(wait_s), None),
            Ok(()) => (self.sender.accepted(), Some(feedback)),
        }
    }

    /// The reply where there is no memory for the body.
    pub fn lost(&self) -> FeedbackReply {
        self.sender.no_memory()
    }

    /// The reply where the proxy never shows the body.
    pub fn blind(&self) -> FeedbackReply {
        self.sender.blind()
    }
}

#[cfg(test)]
mod tests;
