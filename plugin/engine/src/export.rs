//! The calls with spans and events of one worker: what waits, what is under way, and what becomes of each.
//!
//! A value like the judges' [`desk`](crate::desk). Every item that is handed in is delivered or counted as dropped, once;
//! what is kept is bounded in bytes, whatever the receiver does. A receiver in trouble is left alone for a while, and
//! what comes in the meantime waits for it.

mod lane;
mod reply;
mod score;

use std::rc::Rc;

use lane::{Batch, Lane};

use crate::call::seconds;
pub use crate::call::{Answer, Call};
use crate::config::Policy;
use crate::effect::Effect;
use crate::evaluation::Evaluation;
use crate::limits::{
    TELEMETRY_BACK_OFF_MS, TELEMETRY_BACK_OFF_MS_MAX, TELEMETRY_IN_FLIGHT_MAX, TELEMETRY_QUEUE_BYTES_MAX,
    TELEMETRY_RETRY_AFTER_MS_MAX, TELEMETRY_TRIES_MAX,
};
use crate::metrics;
use crate::otlp::{Signal, Span};
use crate::telemetry::TelemetryPlan;
use crate::trace;

/// How long after its own time a call is given up that the host says nothing of.
const SILENCE_NS: u64 = 10_000_000_000;

/// Which of the lanes.
const LANES: [Signal; 2] = [Signal::Spans, Signal::Events];

/// A batch that is under way.
#[derive(Debug)]
struct Flight {
    signal: Signal,
    batch: Batch,
    /// From when on nobody waits for its answer any more.
    late_ns: u64,
    /// Lest all workers come back at once.
    spread_ms: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Exporter {
    policy: Rc<Policy>,
    plan: Rc<TelemetryPlan>,
    lanes: [Lane; 2],
    /// Bytes of all items, wherever they are.
    bytes: usize,
    /// Calls that the host has not been asked for yet, by their numbers.
    called: Vec<(u64, Flight)>,
    /// Calls under way, by the host's tokens.
    in_flight: Vec<(u32, Flight)>,
    last_number: u64,
    /// Nothing waits for others any more, and nothing is tried again.
    is_closing: bool,
}

impl Exporter {
    /// One with nothing to export; `None` where nothing is to be.
    pub fn new(policy: &Rc<Policy>) -> Option<Self> {
        let plan = Rc::clone(policy.telemetry()?);
        Some(Self {
            policy: Rc::clone(policy),
            lanes: LANES.map(|_| Lane::default()),
            bytes: 0,
            called: Vec::new(),
            in_flight: Vec::new(),
            last_number: 0,
            is_closing: false,
            plan,
        })
    }

    /// Takes a span that ends now, which is `wall_ns` after the epoch. In how many milliseconds
    /// [`next`](Self::next) is to be asked at the latest, where nobody would ask by then.
    pub fn span(&mut self, mut span: Span, wall_ns: u64, now_ns: u64, out: &mut Vec<Effect>) -> Option<u64> {
        if !self.plan.takes(Signal::Spans) {
            return None;
        }
        let mut item = self.plan.encoding.span(&span, wall_ns);
        if item.len() > self.plan.batch.bytes_max && trace::leave_content_out(&mut span) {
            item = self.plan.encoding.span(&span, wall_ns);
        }
        self.push(Signal::Spans, item, now_ns, out)
    }

    /// Takes a score, likewise.
    pub fn evaluation(
        &mut self,
        score: &Evaluation,
        wall_ns: u64,
        now_ns: u64,
        out: &mut Vec<Effect>,
    ) -> Option<u64> {
        if !self.plan.takes(Signal::Events) {
            return None;
        }
        let event = score::event(score, &self.plan, self.policy.redactor());
        let item = self.plan.encoding.event(&event, wall_ns);
        self.push(Signal::Events, item, now_ns, out)
    }

    fn push(&mut self, signal: Signal, item: Vec<u8>, now_ns: u64, out: &mut Vec<Effect>) -> Option<u64> {
        let bytes = self.bytes.saturating_add(item.len());
        if bytes > TELEMETRY_QUEUE_BYTES_MAX {
            drop_items(signal, 1, out);
            return None;
        }
        self.bytes = bytes;
        let (is_closing, batch) = (self.is_closing, self.plan.batch);
        let lane = self.lane(signal);
        let was_due = lane.due_ns(&batch, is_closing);
        lane.push(item, now_ns);
        let due_ns = lane.due_ns(&batch, is_closing)?;
        // Whoever made it due before has seen to that.
        (was_due.is_none_or(|before| due_ns < before)).then(|| milliseconds(due_ns.saturating_sub(now_ns)))
    }

    /// The next call that may be made now.
    pub fn next(&mut self, now_ns: u64, random: [u8; 24], out: &mut Vec<Effect>) -> Option<Call> {
        self.give_up(now_ns, out);
        let (is_closing, plan) = (self.is_closing, Rc::clone(&self.plan));
        for signal in LANES {
            if self.under_way(signal) >= TELEMETRY_IN_FLIGHT_MAX {
                continue;
            }
            let lane = self.lane(signal);
            if lane.due_ns(&plan.batch, is_closing).is_none_or(|due_ns| due_ns > now_ns) {
                continue;
            }
            let Some(batch) = lane.take(&plan.batch) else {
                continue;
            };
            self.last_number = self.last_number.wrapping_add(1);
            let call = call(self.last_number, signal, &batch, &plan);
            let [low, high, ..] = random;
            let spread_ms = u64::from(u16::from_le_bytes([low, high])) % TELEMETRY_BACK_OFF_MS;
            let late_ns = now_ns.saturating_add(nanoseconds(plan.timeout_ms)).saturating_add(SILENCE_NS);
            self.called.push((self.last_number, Flight { signal, batch, late_ns, spread_ms }));
            return Some(call);
        }
        None
    }

    /// The host took a call, which it names by a token from then on, or refused it.
    pub fn sent(&mut self, number: u64, token: Option<u32>, now_ns: u64, out: &mut Vec<Effect>) {
        let Some(flight) = take(&mut self.called, number) else {
            return;
        };
        let lost = match token {
            Some(token) => {
                let before = take(&mut self.in_flight, token);
                self.in_flight.push((token, flight));
                before
            }
            None => Some(flight),
        };
        // A token that comes again before its answer has lost the first one.
        if let Some(flight) = lost {
            self.try_again(flight, None, now_ns, out);
        }
    }

    /// A call was answered; whether it was one of these.
    pub fn answered(&mut self, token: u32, answer: &Answer<'_>, now_ns: u64, out: &mut Vec<Effect>) -> bool {
        let Some(flight) = take(&mut self.in_flight, token) else {
            return false;
        };
        let items = flight.batch.items.len();
        match answer.status {
            Some(200..=299) => {
                let rejected = reply::rejected(answer.body).min(items as u64);
                drop_items(flight.signal, rejected, out);
                self.lane(flight.signal).quiet_until_ns = 0;
                self.release(&flight.batch);
            }
            Some(413) if items > 1 => self.lane(flight.signal).halve(flight.batch),
            None | Some(429 | 502 | 503 | 504) => {
                // A date is not read: nobody here knows what day it is for others.
                let asked_s = answer.retry_after.and_then(seconds);
                self.try_again(flight, asked_s.map(|s| s.saturating_mul(1000)), now_ns, out);
            }
            Some(_) => self.give_up_batch(&flight, out),
        }
        true
    }

    /// In how many milliseconds [`next`](Self::next) is to be asked again though nothing happens before.
    pub fn wake_ms(&self, now_ns: u64) -> Option<u64> {
        let lanes = LANES.iter().zip(&self.lanes);
        let open = lanes.filter(|(signal, _)| self.under_way(**signal) < TELEMETRY_IN_FLIGHT_MAX);
        let lanes = open.filter_map(|(_, lane)| lane.due_ns(&self.plan.batch, self.is_closing));
        let silences = self.in_flight.iter().map(|(_, flight)| flight.late_ns);
        let due_ns = lanes.chain(silences).min()?;
        Some(milliseconds(due_ns.saturating_sub(now_ns)).max(1))
    }

    /// Whether nothing waits and nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.bytes == 0
    }

    /// What waits is sent at once from now on, and what fails is not tried again.
    pub fn close(&mut self) {
        self.is_closing = true;
    }

    /// Whatever has not been delivered is dropped.
    pub fn abandon(&mut self, out: &mut Vec<Effect>) {
        let called = self.called.drain(..).map(|(_, flight)| flight);
        let flights = called.chain(self.in_flight.drain(..).map(|(_, flight)| flight));
        for flight in flights {
            drop_items(flight.signal, flight.batch.items.len() as u64, out);
        }
        for (signal, lane) in LANES.into_iter().zip(&mut self.lanes) {
            drop_items(signal, core::mem::take(lane).items() as u64, out);
        }
        self.bytes = 0;
    }

    fn lane(&mut self, signal: Signal) -> &mut Lane {
        let [spans, events] = &mut self.lanes;
        match signal {
            Signal::Spans => spans,
            Signal::Events => events,
        }
    }

    fn under_way(&self, signal: Signal) -> usize {
        let called = self.called.iter().map(|(_, flight)| flight);
        let flights = called.chain(self.in_flight.iter().map(|(_, flight)| flight));
        flights.filter(|flight| flight.signal == signal).count()
    }

    /// Ends the calls that the host should have ended.
    fn give_up(&mut self, now_ns: u64, out: &mut Vec<Effect>) {
        while let Some(late) = self.in_flight.iter().position(|(_, flight)| flight.late_ns <= now_ns) {
            let (_, flight) = self.in_flight.swap_remove(late);
            self.try_again(flight, None, now_ns, out);
        }
    }

    /// The receiver could not take a batch now.
    fn try_again(&mut self, mut flight: Flight, asked_ms: Option<u64>, now_ns: u64, out: &mut Vec<Effect>) {
        flight.batch.tries = flight.batch.tries.saturating_add(1);
        let doublings = flight.batch.tries.saturating_sub(1).min(16);
        let own_ms = TELEMETRY_BACK_OFF_MS.saturating_mul(1 << doublings).min(TELEMETRY_BACK_OFF_MS_MAX);
        let asked_ms = asked_ms.unwrap_or(0).min(TELEMETRY_RETRY_AFTER_MS_MAX);
        let pause_ms = own_ms.max(asked_ms).saturating_add(flight.spread_ms);
        let lane = self.lane(flight.signal);
        lane.quiet_until_ns = now_ns.saturating_add(nanoseconds(pause_ms));
        if self.is_closing || flight.batch.tries >= TELEMETRY_TRIES_MAX {
            self.give_up_batch(&flight, out);
        } else {
            self.lane(flight.signal).again(flight.batch);
        }
    }

    fn give_up_batch(&mut self, flight: &Flight, out: &mut Vec<Effect>) {
        drop_items(flight.signal, flight.batch.items.len() as u64, out);
        self.release(&flight.batch);
    }

    fn release(&mut self, batch: &Batch) {
        self.bytes = self.bytes.saturating_sub(batch.bytes());
    }
}

/// Counts what never arrives.
fn drop_items(signal: Signal, by: u64, out: &mut Vec<Effect>) {
    let kind = match signal {
        Signal::Spans => "spans",
        Signal::Events => "events",
    };
    if by > 0 {
        let stat = metrics::stat(&metrics::DROPPED, [("kind", kind)].into_iter());
        out.push(Effect::Count { stat, by });
    }
}

fn call(number: u64, signal: Signal, batch: &Batch, plan: &TelemetryPlan) -> Call {
    let mut headers = crate::call::head(&plan.path(signal), &plan.authority, plan.encoding.content_type());
    headers.extend(plan.headers.iter().cloned());
    let items = batch.items.iter().map(Vec::as_slice);
    Call {
        number,
        cluster: plan.cluster.clone(),
        headers,
        body: plan.encoding.request(signal, &plan.resource, items),
        timeout_ms: plan.timeout_ms,
        wants_gzip: plan.wants_gzip,
    }
}

fn take<K: PartialEq, V>(pairs: &mut Vec<(K, V)>, key: K) -> Option<V> {
    let place = pairs.iter().position(|(known, _)| *known == key)?;
    Some(pairs.swap_remove(place).1)
}

fn nanoseconds(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}

/// Rounded up, so that it is time when they are over.
fn milliseconds(ns: u64) -> u64 {
    ns.div_ceil(1_000_000)
}

#[cfg(test)]
mod tests;
