//! Whether a request whose head is held still shows its body.
//!
//! A proxy only shows it where its configuration says `allow_on_headers_stop_iteration`; elsewhere the request would
//! hang, and no host call tells which it is. So until a first body has come, a request that waits for its own too
//! long is let go, untouched; and after a few of them in a row nothing is held any more.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::perform;
use crate::ticks::Ticks;

/// A request waits at least this long, and at most twice as long.
const WAIT_MS: u64 = 250;

/// Requests that were let go in a row, after which none is held.
const MISSES_MAX: u8 = 3;

#[derive(Default)]
pub(crate) struct Holding {
    works: Cell<bool>,
    misses: Cell<u8>,
    /// Requests that are held while nobody knows whether that works, and since when.
    waiting: RefCell<Vec<(u32, u64)>>,
    ticks: Rc<Ticks>,
}

impl Holding {
    pub(crate) fn new(ticks: &Rc<Ticks>) -> Self {
        Self { ticks: Rc::clone(ticks), ..Self::default() }
    }

    /// Whether the request of this stream is to be held.
    pub(crate) fn begin(&self, stream: u32) -> bool {
        if self.works.get() {
            return true;
        }
        if self.misses.get() >= MISSES_MAX {
            return false;
        }
        self.waiting.borrow_mut().push((stream, perform::now_ns()));
        self.ticks.for_holding(WAIT_MS);
        true
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
            self.ticks.for_holding(0);
        }
        is_held
    }

    /// The stream is over; whether its request was still waiting.
    pub(crate) fn end(&self, stream: u32) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        let before = waiting.len();
        waiting.retain(|(other, _)| *other != stream);
        waiting.len() < before
    }

    /// Lets go of those that waited for too long.
    pub(crate) fn tick(&self) {
        let mut waiting = self.waiting.borrow_mut();
        let since_ns = perform::now_ns().saturating_sub(WAIT_MS.saturating_mul(1_000_000));
        for (stream, _) in waiting.extract_if(.., |(_, from_ns)| *from_ns <= since_ns) {
            perform::resume_request(stream);
            self.misses.set(self.misses.get().saturating_add(1));
            if self.misses.get() == MISSES_MAX {
                perform::log_error(
                    "llm-gauge: `streaming.usage: request` needs `allow_on_headers_stop_iteration: true` in the \
                     plugin's config; until then requests pass as they are",
                );
            }
        }
        if waiting.is_empty() {
            self.ticks.for_holding(0);
        }
    }
}
