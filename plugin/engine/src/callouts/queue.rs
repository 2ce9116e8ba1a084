//! A queue of callouts: waiting items, callouts in flight, and items to retry.
//!
//! The queue is a plain value: times are arguments, and the shell makes the callouts. The owner decides what an item
//! is, what a response means and how long to wait before a retry. Each pushed item is returned exactly once: by a
//! response, a refusal, a timeout, a refused retry or [`CalloutQueue::drain`].

use std::collections::VecDeque;

use super::nanoseconds;

/// The time after a callout's own timeout until it is given up. Hosts report that timeout; a callout whose host does
/// not would otherwise stay in flight and block the queue forever.
const GRACE_NS: u64 = 10_000_000_000;

/// The bounds of a queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    /// The maximum number of callouts in flight.
    pub(crate) in_flight_max: usize,
    /// The maximum number of attempts, including the first.
    pub(crate) attempts_max: u32,
    /// The timeout of each callout in milliseconds.
    pub(crate) timeout_ms: u64,
}

/// An item that is about to be sent.
#[derive(Debug)]
pub(crate) struct QueuedItem<T> {
    /// The item that the owner pushed.
    pub(crate) item: T,
    /// The number of failed attempts.
    failures: u32,
    /// The earliest time of the next attempt; 0 for the first attempt.
    due_ns: u64,
}

/// A callout that was returned to the shell and has no response yet.
#[derive(Debug)]
pub(crate) struct ActiveCallout<T, C> {
    /// The item that the owner pushed.
    pub(crate) item: T,
    /// The owner's data about this attempt.
    pub(crate) context: C,
    /// When the callout was made.
    pub(crate) started_ns: u64,
    /// The number of failed attempts before this one.
    pub(crate) failures: u32,
    /// The time at which the callout is given up if there is no response.
    deadline_ns: u64,
}

/// The host's reply to a callout.
#[derive(Debug)]
pub(crate) enum SendResult<T, C> {
    /// The number does not belong to this queue.
    Unknown,
    /// The host accepted the callout.
    InFlight,
    /// The host refused the callout.
    Refused(ActiveCallout<T, C>),
    /// The host accepted the callout under the token of another one. Their responses cannot be distinguished, so the
    /// other one is lost.
    Replaced(ActiveCallout<T, C>),
}

/// The queue of one owner's callouts; see the [module](self).
#[derive(Debug)]
pub(crate) struct CalloutQueue<T, C> {
    limits: QueueLimits,
    waiting: VecDeque<QueuedItem<T>>,
    /// Items to retry, which are sent before new items.
    retries: VecDeque<QueuedItem<T>>,
    /// Callouts that the host has not accepted or refused yet, by the owner's numbers.
    unsent: Vec<(u64, ActiveCallout<T, C>)>,
    /// Callouts that the host accepted, by its tokens.
    in_flight: Vec<(u32, ActiveCallout<T, C>)>,
    /// Nothing is sent before this time, unless the queue is closing.
    paused_until_ns: u64,
    is_closing: bool,
}

impl<T, C> CalloutQueue<T, C> {
    /// Returns an empty queue.
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self {
            limits,
            waiting: VecDeque::new(),
            retries: VecDeque::new(),
            unsent: Vec::new(),
            in_flight: Vec::new(),
            paused_until_ns: 0,
            is_closing: false,
        }
    }

    /// Adds an item at the end of the queue.
    pub(crate) fn push(&mut self, item: T) {
        self.waiting.push_back(QueuedItem { item, failures: 0, due_ns: 0 });
    }

    /// Returns the next item to send: retries that are due before new items. `None` if nothing is due, if the queue is
    /// paused, or if the maximum number of callouts is in flight.
    pub(crate) fn next(&mut self, now_ns: u64) -> Option<QueuedItem<T>> {
        if !self.has_capacity() || self.not_before(now_ns) > now_ns {
            return None;
        }
        let is_due = |retry: &QueuedItem<T>| self.is_closing || retry.due_ns <= now_ns;
        match self.retries.iter().position(is_due) {
            Some(place) => self.retries.remove(place),
            None => self.waiting.pop_front(),
        }
    }

    /// Records that the shell receives a callout for an item. `number` identifies it until [`sent`](Self::sent), and
    /// must be unique among the callouts of its owner.
    pub(crate) fn start(&mut self, number: u64, queued: QueuedItem<T>, context: C, now_ns: u64) {
        let QueuedItem { item, failures, .. } = queued;
        let timeout_ns = nanoseconds(self.limits.timeout_ms);
        let deadline_ns = now_ns.saturating_add(timeout_ns).saturating_add(GRACE_NS);
        let callout = ActiveCallout { item, context, started_ns: now_ns, failures, deadline_ns };
        self.unsent.push((number, callout));
    }

    /// Records that the host accepted a callout and gave it a token, or refused it if `token` is `None`.
    pub(crate) fn sent(&mut self, number: u64, token: Option<u32>) -> SendResult<T, C> {
        let Some(callout) = take(&mut self.unsent, number) else {
            return SendResult::Unknown;
        };
        let Some(token) = token else {
            return SendResult::Refused(callout);
        };
        let replaced = take(&mut self.in_flight, token);
        self.in_flight.push((token, callout));
        replaced.map_or(SendResult::InFlight, SendResult::Replaced)
    }

    /// Returns the callout that a response belongs to; `None` if there is none, or if its deadline has passed.
    pub(crate) fn answered(&mut self, token: u32) -> Option<ActiveCallout<T, C>> {
        take(&mut self.in_flight, token)
    }

    /// Returns a callout whose deadline has passed, until there is none.
    pub(crate) fn timed_out(&mut self, now_ns: u64) -> Option<ActiveCallout<T, C>> {
        let late = self.in_flight.iter().position(|(_, callout)| callout.deadline_ns <= now_ns)?;
        Some(self.in_flight.swap_remove(late).1)
    }

    /// Queues the item of a failed callout for another attempt, not before `due_ns`.
    ///
    /// # Errors
    ///
    /// Returns the callout if it was the last attempt, or if the queue is closing.
    pub(crate) fn retry(
        &mut self,
        callout: ActiveCallout<T, C>,
        due_ns: u64,
    ) -> Result<(), ActiveCallout<T, C>> {
        let failures = callout.failures.saturating_add(1);
        if self.is_closing || failures >= self.limits.attempts_max {
            return Err(callout);
        }
        self.retries.push_back(QueuedItem { item: callout.item, failures, due_ns });
        Ok(())
    }

    /// Puts an item at the front of the queue, due at once. `failures` is the number of failed attempts that it starts
    /// with.
    pub(crate) fn push_front(&mut self, item: T, failures: u32) {
        self.retries.push_front(QueuedItem { item, failures, due_ns: 0 });
    }

    /// Pauses the queue: nothing is sent before this time.
    pub(crate) fn pause(&mut self, until_ns: u64) {
        self.paused_until_ns = until_ns;
    }

    /// Ends the pause.
    pub(crate) fn resume(&mut self) {
        self.paused_until_ns = 0;
    }

    /// Closes the queue: all waiting items may be sent at once, and nothing is retried.
    pub(crate) fn close(&mut self) {
        self.is_closing = true;
    }

    /// Removes and returns all items, including those in flight.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        let queued = self.retries.drain(..).chain(self.waiting.drain(..)).map(|queued| queued.item);
        let unsent = self.unsent.drain(..).map(|(_, callout)| callout.item);
        let in_flight = self.in_flight.drain(..).map(|(_, callout)| callout.item);
        unsent.chain(in_flight).chain(queued)
    }

    /// Returns the number of items that are not in flight.
    pub(crate) fn queued(&self) -> usize {
        self.waiting.len().saturating_add(self.retries.len())
    }

    /// Whether another callout may be in flight.
    pub(crate) fn has_capacity(&self) -> bool {
        self.unsent.len().saturating_add(self.in_flight.len()) < self.limits.in_flight_max
    }

    /// Returns the time at which the next item is due, whether or not there is capacity for it; `None` if no item
    /// waits.
    pub(crate) fn due_ns(&self) -> Option<u64> {
        let retry = self.retries.iter().map(|retry| retry.due_ns).min();
        let due_ns = if self.waiting.is_empty() { retry } else { Some(0) };
        due_ns.map(|due_ns| self.not_before(due_ns))
    }

    /// Returns the time at which an item due at `due_ns` may be sent: not before the end of the pause, or at once if
    /// the queue is closing.
    pub(crate) fn not_before(&self, due_ns: u64) -> u64 {
        if self.is_closing { 0 } else { due_ns.max(self.paused_until_ns) }
    }

    /// Returns the time at which the queue needs attention even if nothing happens before: an item is due, or a callout
    /// times out. `None` if there is no such time.
    pub(crate) fn wake_ns(&self) -> Option<u64> {
        let due_ns = self.due_ns().filter(|_| self.has_capacity());
        let deadlines = self.in_flight.iter().map(|(_, callout)| callout.deadline_ns);
        deadlines.chain(due_ns).min()
    }

    /// Returns every item, wherever it is.
    #[cfg(test)]
    pub(crate) fn items(&self) -> impl Iterator<Item = &T> {
        let queued = self.retries.iter().chain(&self.waiting).map(|queued| &queued.item);
        let unsent = self.unsent.iter().map(|(_, callout)| &callout.item);
        let in_flight = self.in_flight.iter().map(|(_, callout)| &callout.item);
        queued.chain(unsent).chain(in_flight)
    }

    /// Returns the number of callouts that the host accepted.
    #[cfg(test)]
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }
}

fn take<K: PartialEq, V>(pairs: &mut Vec<(K, V)>, key: K) -> Option<V> {
    let place = pairs.iter().position(|(known, _)| *known == key)?;
    Some(pairs.swap_remove(place).1)
}

#[cfg(test)]
mod tests;
