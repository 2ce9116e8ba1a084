//! The exporter of spans and events in one worker: waiting items, batches in flight, and the delivery of each item.
//!
//! It is a plain value like the [`Dispatcher`](crate::judge::Dispatcher). Each submitted item is delivered, or
//! counted as dropped, exactly once. The number of kept bytes is bounded, whatever the receiver does: after a failure
//! nothing is sent for a while, and new items wait.

mod batch;
mod event;
mod partial_success;
mod redaction;

use std::rc::Rc;

use llm_gauge_decode::{MemoryBudget, Reservation};

use batch::{Batch, Batcher};
use redaction::{RawItem, RedactedItem, RedactionQueue};

use super::TelemetryPlan;
use super::otlp::{Signal, Span};
use super::redact::Redactor;
use super::span;
use crate::callouts::{
    ActiveCallout, Backoff, Callout, CalloutQueue, CalloutResponse, QueueLimits, SendResult,
    milliseconds_until, nanoseconds, request_headers, retry_after_s,
};
use crate::judge::Evaluation;
use crate::limits::{
    REDACTION_PAUSE_MS, TELEMETRY_BACK_OFF_MS, TELEMETRY_BACK_OFF_MS_MAX, TELEMETRY_IN_FLIGHT_MAX,
    TELEMETRY_QUEUE_BYTES_MAX, TELEMETRY_RETRY_AFTER_MS_MAX, TELEMETRY_TRIES_MAX,
};
use crate::metrics::{self, StatUpdate};

const SIGNALS: [Signal; 2] = [Signal::Spans, Signal::Events];

/// The pause of a lane after a failure.
const BACKOFF: Backoff = Backoff { first_ms: TELEMETRY_BACK_OFF_MS, max_ms: TELEMETRY_BACK_OFF_MS_MAX };

/// A batch in flight, with the random number that spreads its retries.
type BatchCallout = ActiveCallout<Batch, u16>;

/// The items of one signal: those that wait for a batch, and the batches.
#[derive(Debug)]
struct Lane {
    signal: Signal,
    batcher: Batcher,
    callouts: CalloutQueue<Batch, u16>,
}

impl Lane {
    /// Returns the time at which a batch is due, even if too many callouts are in flight. `None` if no item waits.
    fn due_ns(&self, plan: &TelemetryPlan) -> Option<u64> {
        let new_ns = || self.batcher.due_ns(&plan.batch).map(|due_ns| self.callouts.not_before(due_ns));
        self.callouts.due_ns().or_else(new_ns)
    }

    /// Returns the next callout to make now. `None` if there is none.
    fn next(&mut self, number: u64, plan: &TelemetryPlan, random: u16, now_ns: u64) -> Option<Callout> {
        let is_due = self.due_ns(plan).is_some_and(|due_ns| due_ns <= now_ns);
        if is_due && self.callouts.queued() == 0 && self.callouts.has_capacity() {
            self.callouts.push(self.batcher.take(&plan.batch)?);
        }
        let queued = self.callouts.next(now_ns)?;
        let callout = callout(number, self.signal, &queued.item, plan);
        self.callouts.start(number, queued, random, now_ns);
        Some(callout)
    }

    /// Returns the time at which the lane must be run even if nothing happens before. `None` if there is none.
    fn wake_ns(&self, plan: &TelemetryPlan) -> Option<u64> {
        let due_ns = self.due_ns(plan).filter(|_| self.callouts.has_capacity());
        due_ns.into_iter().chain(self.callouts.wake_ns()).min()
    }
}

/// The exporter of spans and events, as described in the module.
#[derive(Debug)]
pub struct Exporter {
    plan: Rc<TelemetryPlan>,
    redactor: Rc<Redactor>,
    lanes: [Lane; 2],
    raw: RedactionQueue,
    /// The bytes of all items, waiting or in flight, from the worker's memory budget.
    memory: Reservation,
    last_number: u64,
}

impl Exporter {
    /// Returns an exporter without items, which take their memory from `memory`.
    pub fn new(plan: &Rc<TelemetryPlan>, redactor: &Rc<Redactor>, memory: &MemoryBudget) -> Self {
        let limits = QueueLimits {
            in_flight_max: TELEMETRY_IN_FLIGHT_MAX,
            attempts_max: TELEMETRY_TRIES_MAX,
            timeout_ms: plan.timeout_ms,
        };
        let lane = |signal| Lane { signal, batcher: Batcher::default(), callouts: CalloutQueue::new(limits) };
        Self {
            plan: Rc::clone(plan),
            redactor: Rc::clone(redactor),
            lanes: SIGNALS.map(lane),
            raw: RedactionQueue::default(),
            memory: memory.reservation(),
            last_number: 0,
        }
    }

    /// Submits a span that ends now, `wall_ns` after the Unix epoch. Returns the milliseconds after which
    /// [`next`](Self::next) must be called.
    ///
    /// `None` if an earlier item has already asked for a call at that time or before, or if the item was dropped.
    pub fn span(
        &mut self,
        mut span: Span,
        wall_ns: u64,
        now_ns: u64,
        out: &mut Vec<StatUpdate>,
    ) -> Option<u64> {
        if !self.plan.takes(Signal::Spans) {
            return None;
        }
        let Some(content) = span.content.take() else {
            return self.push_span(&span, wall_ns, now_ns, out);
        };
        if self.redactor.is_empty() {
            span::add_content(&mut span, content, true, &self.plan);
            return self.push_span(&span, wall_ns, now_ns, out);
        }
        self.push_raw(Signal::Spans, RawItem::Span(Box::new(span), content), wall_ns, out)
    }

    fn push_span(
        &mut self,
        span: &Span,
        wall_ns: u64,
        now_ns: u64,
        out: &mut Vec<StatUpdate>,
    ) -> Option<u64> {
        let mut item = self.plan.encoding.span(span, wall_ns);
        if item.len() > self.plan.batch.bytes_max {
            let mut smaller = span.clone();
            if span::remove_content(&mut smaller) {
                item = self.plan.encoding.span(&smaller, wall_ns);
            }
        }
        self.push(Signal::Spans, item, now_ns, out)
    }

    /// Keeps an item until its texts are redacted. The root context is to run at once.
    fn push_raw(
        &mut self,
        signal: Signal,
        mut item: RawItem,
        wall_ns: u64,
        out: &mut Vec<StatUpdate>,
    ) -> Option<u64> {
        let text_bytes = item.text_bytes();
        let bytes = self.memory.bytes().saturating_add(text_bytes);
        if bytes > TELEMETRY_QUEUE_BYTES_MAX || self.memory.resize(bytes).is_err() {
            drop_items(signal, 1, out);
            return None;
        }
        self.raw.push(item, wall_ns, text_bytes);
        Some(0)
    }

    /// Redacts for one slice, and queues what is finished.
    fn redact(&mut self, now_ns: u64, out: &mut Vec<StatUpdate>) {
        let redactor = Rc::clone(&self.redactor);
        for RedactedItem { item, is_redacted, wall_ns, bytes } in self.raw.run(&redactor) {
            let _less = self.memory.resize(self.memory.bytes().saturating_sub(bytes));
            let _due = match item {
                RawItem::Span(mut span, content) => {
                    span::add_content(&mut span, content, is_redacted, &self.plan);
                    self.push_span(&span, wall_ns, now_ns, out)
                }
                RawItem::Event(score, reason) => {
                    let event = event::event(&score, Some(reason.as_str()).filter(|_| is_redacted));
                    let item = self.plan.encoding.event(&event, wall_ns);
                    self.push(Signal::Events, item, now_ns, out)
                }
            };
        }
    }

    /// Submits a score, and returns the same as [`span`](Self::span).
    pub fn evaluation(
        &mut self,
        score: &Evaluation,
        wall_ns: u64,
        now_ns: u64,
        out: &mut Vec<StatUpdate>,
    ) -> Option<u64> {
        if !self.plan.takes(Signal::Events) {
            return None;
        }
        let reason = event::reason(score, &self.plan);
        if let Some(reason) = reason.filter(|_| !self.redactor.is_empty()) {
            let item = RawItem::Event(Box::new(score.clone()), reason.to_owned());
            return self.push_raw(Signal::Events, item, wall_ns, out);
        }
        let item = self.plan.encoding.event(&event::event(score, reason), wall_ns);
        self.push(Signal::Events, item, now_ns, out)
    }

    fn push(&mut self, signal: Signal, item: Vec<u8>, now_ns: u64, out: &mut Vec<StatUpdate>) -> Option<u64> {
        let bytes = self.memory.bytes().saturating_add(item.len());
        if bytes > TELEMETRY_QUEUE_BYTES_MAX || self.memory.resize(bytes).is_err() {
            drop_items(signal, 1, out);
            return None;
        }
        let plan = Rc::clone(&self.plan);
        let lane = self.lane(signal);
        let before_ns = lane.due_ns(&plan);
        lane.batcher.push(item, now_ns);
        let due_ns = lane.due_ns(&plan)?;
        before_ns.is_none_or(|before_ns| due_ns < before_ns).then(|| milliseconds_until(due_ns, now_ns))
    }

    /// Returns the next callout to make now. `None` if there is none.
    pub fn next(&mut self, now_ns: u64, random: [u8; 24], out: &mut Vec<StatUpdate>) -> Option<Callout> {
        self.redact(now_ns, out);
        let plan = Rc::clone(&self.plan);
        for signal in SIGNALS {
            while let Some(callout) = self.lane(signal).callouts.timed_out(now_ns) {
                self.retry(signal, callout, 0, now_ns, out);
            }
        }
        let number = self.last_number.wrapping_add(1);
        let [low, high, ..] = random;
        let random = u16::from_le_bytes([low, high]);
        let callout = self.lanes.iter_mut().find_map(|lane| lane.next(number, &plan, random, now_ns))?;
        self.last_number = number;
        Some(callout)
    }

    /// Records that the host accepted a callout with this token, or refused it if `token` is `None`.
    pub fn record_sent(&mut self, number: u64, token: Option<u32>, now_ns: u64, out: &mut Vec<StatUpdate>) {
        for signal in SIGNALS {
            match self.lane(signal).callouts.sent(number, token) {
                SendResult::Unknown | SendResult::InFlight => {}
                SendResult::Refused(callout) | SendResult::Replaced(callout) => {
                    self.retry(signal, callout, 0, now_ns, out);
                }
            }
        }
    }

    /// Handles the response to a callout. Returns whether the callout is one of this exporter.
    pub fn handle_response(
        &mut self,
        token: u32,
        response: &CalloutResponse<'_>,
        now_ns: u64,
        out: &mut Vec<StatUpdate>,
    ) -> bool {
        let answered = |lane: &mut Lane| Some((lane.signal, lane.callouts.answered(token)?));
        let Some((signal, callout)) = self.lanes.iter_mut().find_map(answered) else {
            return false;
        };
        let items = callout.item.items.len();
        match response.status {
            Some(200..=299) => {
                let rejected = partial_success::rejected(response.body).min(items as u64);
                drop_items(signal, rejected, out);
                self.lane(signal).callouts.resume();
                self.release(&callout.item);
            }
            // The batch is too large for the receiver, which does not count as a failed attempt.
            Some(413) if items > 1 => {
                let [first, second] = callout.item.halves();
                let callouts = &mut self.lane(signal).callouts;
                callouts.push_front(second, callout.failures);
                callouts.push_front(first, callout.failures);
            }
            None | Some(429 | 502 | 503 | 504) => {
                let asked_ms = response.retry_after.and_then(retry_after_s).unwrap_or(0).saturating_mul(1000);
                self.retry(signal, callout, asked_ms, now_ns, out);
            }
            Some(_) => self.drop_batch(signal, &callout.item, out),
        }
        true
    }

    /// Ends a turn, and returns the milliseconds after which [`next`](Self::next) must be called even if nothing
    /// happens before.
    ///
    /// `None` if it need not be called.
    pub fn wake_ms(&self, now_ns: u64) -> Option<u64> {
        self.raw.end_turn();
        if !self.raw.is_empty() {
            return Some(REDACTION_PAUSE_MS);
        }
        let due_ns = self.lanes.iter().filter_map(|lane| lane.wake_ns(&self.plan)).min()?;
        Some(milliseconds_until(due_ns, now_ns).max(1))
    }

    /// Returns whether every item has been delivered or dropped.
    pub fn is_idle(&self) -> bool {
        self.memory.bytes() == 0
    }

    /// Sends all waiting items at once from now on, without retries.
    pub fn close(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.callouts.close());
    }

    /// Drops all items that have not been delivered.
    pub fn abandon(&mut self, out: &mut Vec<StatUpdate>) {
        for raw in self.raw.drain() {
            let signal = match raw.item {
                RawItem::Span(..) => Signal::Spans,
                RawItem::Event(..) => Signal::Events,
            };
            drop_items(signal, 1, out);
        }
        for lane in &mut self.lanes {
            let batched = lane.callouts.drain().map(|batch| batch.items.len());
            let items = batched.fold(lane.batcher.len(), usize::saturating_add);
            lane.batcher = Batcher::default();
            drop_items(lane.signal, items as u64, out);
        }
        let _less = self.memory.resize(0);
    }

    fn lane(&mut self, signal: Signal) -> &mut Lane {
        let [spans, events] = &mut self.lanes;
        match signal {
            Signal::Spans => spans,
            Signal::Events => events,
        }
    }

    /// Queues a batch again that the receiver cannot accept now, or drops it after its last attempt. In both cases
    /// the lane pauses.
    fn retry(
        &mut self,
        signal: Signal,
        callout: BatchCallout,
        asked_ms: u64,
        now_ns: u64,
        out: &mut Vec<StatUpdate>,
    ) {
        let asked_ms = asked_ms.min(TELEMETRY_RETRY_AFTER_MS_MAX);
        let pause_ms = BACKOFF.wait_ms(callout.failures, asked_ms, callout.context);
        let callouts = &mut self.lane(signal).callouts;
        callouts.pause(now_ns.saturating_add(nanoseconds(pause_ms)));
        if let Err(callout) = callouts.retry(callout, 0) {
            self.drop_batch(signal, &callout.item, out);
        }
    }

    fn drop_batch(&mut self, signal: Signal, batch: &Batch, out: &mut Vec<StatUpdate>) {
        drop_items(signal, batch.items.len() as u64, out);
        self.release(batch);
    }

    fn release(&mut self, batch: &Batch) {
        // Less is never refused.
        let _less = self.memory.resize(self.memory.bytes().saturating_sub(batch.bytes()));
    }
}

fn drop_items(signal: Signal, by: u64, out: &mut Vec<StatUpdate>) {
    if by > 0 {
        out.push(dropped(signal, by));
    }
}

/// Returns the update that counts `by` items, at least 1, as dropped.
pub(crate) fn dropped(signal: Signal, by: u64) -> StatUpdate {
    let kind = match signal {
        Signal::Spans => "spans",
        Signal::Events => "events",
    };
    StatUpdate::Count { stat: metrics::stat(&metrics::DROPPED, [("kind", kind)].into_iter()), by }
}

fn callout(number: u64, signal: Signal, batch: &Batch, plan: &TelemetryPlan) -> Callout {
    let mut headers = request_headers(&plan.path(signal), &plan.authority, plan.encoding.content_type());
    headers.extend(plan.headers.iter().cloned());
    let items = batch.items.iter().map(Vec::as_slice);
    Callout {
        number,
        cluster: plan.cluster.clone(),
        headers,
        body: plan.encoding.request(signal, &plan.resource, items),
        timeout_ms: plan.timeout_ms,
        wants_gzip: plan.wants_gzip,
    }
}

#[cfg(test)]
mod tests;
