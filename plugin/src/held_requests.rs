//! Whether a request whose head is held still shows its body.
//!
//! A proxy only shows it where its configuration says `allow_on_headers_stop_iteration`; elsewhere the request would
//! hang, and no host call tells which it is. So until a first body has come, a request that waits for its own too
//! long is let go, untouched; and after a few of them in a row nothing is held any more. Feedback, which no upstream is
//! to get, is answered instead, and waits longer: it may well come from a slow network.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use llm_gauge_engine::feedback::FeedbackReply;

use crate::perform;
use crate::timer::{SharedTimer, TimerUser};

/// A request waits at least this long, and at most twice as long.
const WAIT_MS: u64 = 250;

/// Feedback waits at least this long.
const FEEDBACK_WAIT_MS: u64 = 5_000;

/// Requests that were let go in a row, after which none is held.
const MISSES_MAX: u8 = 3;

#[derive(Default)]
pub(crate) struct HeldRequests {
    works: Cell<bool>,
    misses: Cell<u8>,
    /// Requests that are held while nobody knows whether that works.
    waiting: RefCell<Vec<Waiting>>,
    timer: Rc<SharedTimer>,
}

struct Waiting {
    stream: u32,
    until_ns: u64,
    /// To feedback; another request goes on.
    reply: Option<FeedbackReply>,
}

impl HeldRequests {
    pub(crate) fn new(timer: &Rc<SharedTimer>) -> Self {
        Self { timer: Rc::clone(timer), ..Self::default() }
    }

    /// Whether the request of this stream is to be held.
    pub(crate) fn begin(&self, stream: u32) -> bool {
        if self.works.get() {
            return true;
        }
        if self.misses.get() >= MISSES_MAX {
            return false;
        }
        self.wait(stream, WAIT_MS, None);
        true
    }

    /// Holds a request of feedback, for which there is this reply if its body never shows.
    pub(crate) fn begin_feedback(&self, stream: u32, reply: FeedbackReply) {
        if !self.works.get() {
            self.wait(stream, FEEDBACK_WAIT_MS, Some(reply));
        }
    }

    fn wait(&self, stream: u32, wait_ms: u64, reply: Option<FeedbackReply>) {
        let until_ns = perform::now_ns().saturating_add(wait_ms.saturating_mul(1_000_000));
        self.waiting.borrow_mut().push(Waiting { stream, until_ns, reply });
        self.timer.set(TimerUser::HeldRequests, WAIT_MS);
    }

    /// A body came; whether its request is still held.
    pub(crate) fn shows_body(&self, stream: u32) -> bool {
        if self.works.get() {
            return true;
        }
        let is_held = self.end(stream);
        if is_held {
            self.works.set(true);
            self.waiting.borrow_mut().clear();
            self.timer.set(TimerUser::HeldRequests, 0);
        }
        is_held
    }

    /// The stream is over; whether its request was still waiting.
    pub(crate) fn end(&self, stream: u32) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        let before = waiting.len();
        waiting.retain(|other| other.stream != stream);
        waiting.len() < before
    }

    /// Lets go of those that waited for too long.
    pub(crate) fn tick(&self) {
        let mut waiting = self.waiting.borrow_mut();
        let now_ns = perform::now_ns();
        for Waiting { stream, reply, .. } in waiting.extract_if(.., |waiting| waiting.until_ns <= now_ns) {
            match reply {
                Some(reply) => {
                    perform::reply_to(stream, &reply);
                    perform::log_error(
                        "llm-gauge: a request of `feedback` showed no body: that needs \
                         `allow_on_headers_stop_iteration: true` in the plugin's config",
                    );
                }
                None => self.let_go(stream),
            }
        }
        if waiting.is_empty() {
            self.timer.set(TimerUser::HeldRequests, 0);
        }
    }

    fn let_go(&self, stream: u32) {
        perform::resume_request(stream);
        self.misses.set(self.misses.get().saturating_add(1));
        if self.misses.get() == MISSES_MAX {
            perform::log_error(
                "llm-gauge: `streaming.usage: request` needs `allow_on_headers_stop_iteration: true` in the \
                 plugin's config; until then requests pass as they are",
            );
        }
    }
}
