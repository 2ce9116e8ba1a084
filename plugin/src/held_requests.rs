//! Requests that are held at their head until their body arrives.
//!
//! A proxy only passes the body of a held request to the filter if its configuration says
//! `allow_on_headers_stop_iteration`. Otherwise the request would hang, and no host call reports which case it is. So
//! until a first body has arrived, a request that waits too long is released unchanged.
//!
//! A body that arrives right after the release had been withheld by the proxy, while a slow client's body arrives
//! later. After a few withheld bodies no request is held for a while, which doubles each time. Feedback must not reach
//! an upstream, so it is answered instead, and its timeout is longer, since its network may be slow.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use llm_gauge_engine::feedback::FeedbackReply;

use crate::perform;
use crate::timer::{SharedTimer, TimerUser};

/// The timeout of a request in milliseconds. It is also the timer's period, so a request waits up to twice as long.
const TIMEOUT_MS: u64 = 250;

/// The timeout of feedback in milliseconds.
const FEEDBACK_TIMEOUT_MS: u64 = 5_000;

/// A body that arrives within this many nanoseconds after its request was released had been withheld by the proxy: the
/// proxy passes it on in the same turn of its event loop.
const WITHHELD_NS_MAX: u64 = 10_000_000;

/// The number of withheld bodies after which no request is held for a while.
const WITHHELD_MAX: u8 = 3;

/// The first pause without held requests, in nanoseconds. Each further one is twice as long.
const PAUSE_NS: u64 = 60_000_000_000;

/// The longest pause without held requests, in nanoseconds.
const PAUSE_NS_MAX: u64 = 3_600_000_000_000;

#[derive(Default)]
pub(crate) struct HeldRequests {
    is_supported: Cell<bool>,
    /// The number of bodies that the proxy withheld since the last pause.
    withheld: Cell<u8>,
    /// The end of the pause without held requests, and its length.
    pause_end_ns: Cell<u64>,
    pause_ns: Cell<u64>,
    /// The requests that were released last, and when.
    released: RefCell<Vec<u32>>,
    released_ns: Cell<u64>,
    /// The requests that are held while it is unknown whether the proxy passes their bodies.
    held: RefCell<Vec<HeldRequest>>,
    timer: Rc<SharedTimer>,
}

struct HeldRequest {
    stream: u32,
    until_ns: u64,
    /// The reply to feedback. `None` for another request, which is released.
    reply: Option<FeedbackReply>,
}

impl HeldRequests {
    pub(crate) fn new(timer: &Rc<SharedTimer>) -> Self {
        Self { timer: Rc::clone(timer), ..Self::default() }
    }

    /// Returns whether the request of this stream is to be held.
    pub(crate) fn begin(&self, stream: u32) -> bool {
        if self.is_supported.get() {
            return true;
        }
        if perform::now_ns() < self.pause_end_ns.get() {
            return false;
        }
        self.hold(stream, TIMEOUT_MS, None);
        true
    }

    /// Holds a feedback request, with the reply for the case that its body never arrives.
    pub(crate) fn begin_feedback(&self, stream: u32, reply: FeedbackReply) {
        if !self.is_supported.get() {
            self.hold(stream, FEEDBACK_TIMEOUT_MS, Some(reply));
        }
    }

    fn hold(&self, stream: u32, wait_ms: u64, reply: Option<FeedbackReply>) {
        let until_ns = perform::now_ns().saturating_add(wait_ms.saturating_mul(1_000_000));
        self.held.borrow_mut().push(HeldRequest { stream, until_ns, reply });
        self.timer.set(TimerUser::HeldRequests, TIMEOUT_MS);
    }

    /// Records that a body arrived. Returns whether its request is still held.
    pub(crate) fn body_arrived(&self, stream: u32) -> bool {
        if self.is_supported.get() {
            return true;
        }
        let is_held = self.end(stream);
        if is_held {
            self.is_supported.set(true);
            self.held.borrow_mut().clear();
            self.timer.set(TimerUser::HeldRequests, 0);
        } else {
            self.count_withheld(stream);
        }
        is_held
    }

    /// Ends the stream. Returns whether its request was still held.
    pub(crate) fn end(&self, stream: u32) -> bool {
        let mut held = self.held.borrow_mut();
        let before = held.len();
        held.retain(|other| other.stream != stream);
        held.len() < before
    }

    /// Releases or answers the requests whose timeout has passed.
    pub(crate) fn tick(&self) {
        let mut held = self.held.borrow_mut();
        let now_ns = perform::now_ns();
        let mut released = Vec::new();
        for HeldRequest { stream, reply, .. } in held.extract_if(.., |held| held.until_ns <= now_ns) {
            match reply {
                Some(reply) => {
                    perform::reply_to(stream, &reply);
                    perform::log_error(
                        "llm-gauge: a request of `feedback` got no body, which needs \
                         `allow_on_headers_stop_iteration: true` in the plugin's config",
                    );
                }
                None => {
                    released.push(stream);
                    perform::resume_request(stream);
                }
            }
        }
        if !released.is_empty() {
            self.released.replace(released);
            self.released_ns.set(now_ns);
        }
        if held.is_empty() {
            self.timer.set(TimerUser::HeldRequests, 0);
        }
    }

    /// Counts a body that was withheld until its request was released.
    fn count_withheld(&self, stream: u32) {
        let mut released = self.released.borrow_mut();
        let now_ns = perform::now_ns();
        let is_withheld = now_ns.saturating_sub(self.released_ns.get()) < WITHHELD_NS_MAX;
        let count = released.len();
        released.retain(|other| *other != stream);
        if released.len() == count || !is_withheld {
            return;
        }
        self.withheld.set(self.withheld.get().saturating_add(1));
        if self.withheld.get() >= WITHHELD_MAX {
            self.withheld.set(0);
            self.pause(now_ns);
        }
    }

    fn pause(&self, now_ns: u64) {
        let pause_ns = self.pause_ns.get().saturating_mul(2).clamp(PAUSE_NS, PAUSE_NS_MAX);
        self.pause_ns.set(pause_ns);
        self.pause_end_ns.set(now_ns.saturating_add(pause_ns));
        perform::log_error(&format!(
            "llm-gauge: `streaming.usage: request` needs `allow_on_headers_stop_iteration: true` in the plugin's \
             config; requests pass unchanged for {} s, then it is tried again",
            pause_ns / 1_000_000_000,
        ));
    }
}
