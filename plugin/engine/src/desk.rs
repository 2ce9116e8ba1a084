//! The calls to judges of one worker: what waits, what is under way, and what becomes of each.
//!
//! A value: times and random bytes come in, calls go out, and the shell makes them. Every job that is handed in ends in
//! exactly one [`Outcome`].

mod calls;
mod question;
pub(crate) mod tell;

use std::collections::VecDeque;
use std::rc::Rc;

use calls::{bytes_of, call, nonce, wait_ms};
use tell::Teller;

pub use question::{Judgement, Question, Request};

pub use crate::call::{Answer, Call};
use crate::config::Policy;
use crate::effect::Effect;
use crate::exhibit::Job;
use crate::judge::{self, Breaker, Judge, Outcome, Price, Reply, Settlement, Verdict};
use crate::limits::{JUDGE_OUTPUT_TOKENS_MAX, JUDGE_QUEUE_BYTES_MAX, JUDGE_REPLY_BYTES_MAX};

/// How long after its own time a call is given up that the host says nothing of. Every host does; but one that did not
/// would silence the judge for good.
const SILENCE_NS: u64 = 10_000_000_000;

/// One question to one judge.
#[derive(Debug)]
struct Ask {
    job: u64,
    /// `None` while any judge will do.
    judge: Option<usize>,
    is_second: bool,
    /// Not before.
    due_ns: u64,
}

/// An [`Ask`] that is under way.
#[derive(Debug)]
struct Flight {
    ask: Ask,
    judge: usize,
    nonce: String,
    began_ns: u64,
    /// From when on nobody waits for its answer any more.
    late_ns: u64,
    reserved: Price,
}

impl Flight {
    fn settlement(&self, actual: Price) -> Settlement {
        Settlement { reserved: self.reserved, reserved_at_ns: self.began_ns, actual }
    }
}

/// A job that has not ended.
#[derive(Debug)]
struct Open {
    job: Job,
    asks: usize,
    verdicts: Vec<Verdict>,
    failure: Option<Outcome>,
}

/// See the module.
#[derive(Debug)]
pub struct Desk {
    policy: Rc<Policy>,
    /// By their numbers; as many as may wait and be under way, so that a walk finds one soon enough.
    open: Vec<(u64, Open)>,
    waiting: VecDeque<Ask>,
    retries: Vec<Ask>,
    /// Bytes of all texts that are kept.
    bytes: usize,
    /// Calls that the host has not been asked for yet, by their numbers.
    called: Vec<(u64, Flight)>,
    /// Calls under way, by the host's tokens.
    in_flight: Vec<(u32, Flight)>,
    breakers: Vec<Breaker>,
    last_number: u64,
    teller: Teller,
}

impl Desk {
    /// A desk with nothing on it.
    pub fn new(policy: &Rc<Policy>) -> Self {
        let judges = policy.judge().map_or(0, |plan| plan.judges.len());
        Self {
            policy: Rc::clone(policy),
            open: Vec::new(),
            waiting: VecDeque::new(),
            retries: Vec::new(),
            bytes: 0,
            called: Vec::new(),
            in_flight: Vec::new(),
            breakers: (0..judges).map(|_| Breaker::default()).collect(),
            last_number: 0,
            teller: Teller::default(),
        }
    }

    /// Takes a job, unless too many wait.
    pub fn submit(&mut self, job: Job, out: &mut Vec<Effect>) {
        let Some(plan) = self.policy.judge() else {
            return;
        };
        let asks = if plan.is_panel { 2 } else { 1 };
        let waiting_max = plan.queue_max.saturating_mul(asks);
        let bytes = self.bytes.saturating_add(bytes_of(&job));
        // A judge that is busy for all of them must not make the second tries a queue without a bound.
        let waiting = self.waiting.len().saturating_add(self.retries.len());
        if waiting >= waiting_max || bytes > JUDGE_QUEUE_BYTES_MAX {
            out.push(tell::outcome(&job.model, Outcome::QueueFull));
            return;
        }
        self.bytes = bytes;
        let number = self.next_number();
        for judge in 0..asks {
            let judge = (asks > 1).then_some(judge);
            self.waiting.push_back(Ask { job: number, judge, is_second: false, due_ns: 0 });
        }
        self.open.push((number, Open { job, asks, verdicts: Vec::new(), failure: None }));
    }

    /// The next call that may be made now. `budget` takes its price out and says whether that was within bounds.
    pub fn next(
        &mut self,
        now_ns: u64,
        random: [u8; 24],
        budget: &mut dyn FnMut(Price) -> bool,
        out: &mut Vec<Effect>,
    ) -> Option<Call> {
        let policy = Rc::clone(&self.policy);
        let plan = policy.judge()?;
        self.give_up(now_ns, out);
        loop {
            if self.in_flight.len().saturating_add(self.called.len()) >= plan.in_flight_max {
                return None;
            }
            let ask = self.next_ask(now_ns)?;
            let Some(judge) = self.judge_for(&ask, &plan.judges, random, now_ns) else {
                self.end_ask(ask.job, Err(Outcome::JudgeError), out);
                continue;
            };
            let (Some(target), Some(open)) = (plan.judges.get(judge), find(&self.open, ask.job)) else {
                continue;
            };
            let nonce = nonce(random.first_chunk().unwrap_or(&[0; 16]));
            let body = judge::body(plan, target, &open.job.exhibit, &nonce);
            let reserved = self.estimate(target, body.len());
            if !budget(reserved) {
                self.end_ask(ask.job, Err(Outcome::OverBudget), out);
                continue;
            }
            if let Some(breaker) = self.breakers.get_mut(judge) {
                breaker.called();
            }
            let number = self.next_number();
            let late_ns =
                now_ns.saturating_add(plan.timeout_ms.saturating_mul(1_000_000)).saturating_add(SILENCE_NS);
            self.called.push((number, Flight { ask, judge, nonce, began_ns: now_ns, late_ns, reserved }));
            return Some(call(number, target, body, plan.timeout_ms));
        }
    }

    /// The host took a call, which it names by a token from then on, or refused it: then its price is to be settled.
    pub fn sent(
        &mut self,
        number: u64,
        token: Option<u32>,
        now_ns: u64,
        out: &mut Vec<Effect>,
    ) -> Option<Settlement> {
        let flight = take(&mut self.called, number)?;
        let Some(token) = token else {
            self.fail(&flight, Outcome::JudgeError, now_ns, out);
            return Some(flight.settlement(Price::default()));
        };
        let before = take(&mut self.in_flight, token);
        self.in_flight.push((token, flight));
        // A token that comes again before its answer has lost the first one, which may have cost all the same.
        if let Some(flight) = before {
            self.fail(&flight, Outcome::JudgeError, now_ns, out);
        }
        None
    }

    /// A call was answered; what it came to, to be settled with the budget.
    pub fn answered(
        &mut self,
        token: u32,
        answer: &Answer<'_>,
        now_ns: u64,
        out: &mut Vec<Effect>,
    ) -> Option<Settlement> {
        let flight = take(&mut self.in_flight, token)?;
        let policy = Rc::clone(&self.policy);
        let (plan, open) = (policy.judge()?, find(&self.open, flight.ask.job)?);
        let took_ms = now_ns.saturating_sub(flight.began_ns).checked_div(1_000_000).unwrap_or(0);
        out.push(tell::duration(&open.job.model, took_ms));
        let mut actual = Price::default();
        match answer.status {
            Some(200) => {
                if let Some(breaker) = self.breakers.get_mut(flight.judge) {
                    breaker.succeeded();
                }
                let is_too_long = answer.body.len() > JUDGE_REPLY_BYTES_MAX;
                let body = if is_too_long { b"" } else { answer.body };
                let reply = Reply::read(body, plan, &open.job.exhibit, &flight.nonce);
                // What a judge does not tell it may have cost all the same.
                actual = flight.reserved;
                if let (Some((input, output)), Some(judge)) = (reply.tokens, plan.judges.get(flight.judge)) {
                    let nanodollars = self.teller.cost(&policy, judge, (input, output), out);
                    actual = Price { tokens: input.saturating_add(output), nanodollars };
                }
                if let (Some(verdict), Some(judge)) = (&reply.verdict, plan.judges.get(flight.judge)) {
                    tell::evaluations(&policy, &open.job, verdict, (&judge.model, &flight.nonce), out);
                }
                self.end_ask(flight.ask.job, reply.verdict.ok_or(Outcome::InvalidVerdict), out);
            }
            Some(504) if answer.is_local => {
                actual = flight.reserved;
                self.fail(&flight, Outcome::Timeout, now_ns, out);
            }
            Some(429 | 503) if !flight.ask.is_second => match wait_ms(answer.retry_after, &flight.nonce) {
                Some(ms) => {
                    let due_ns = now_ns.saturating_add(ms.saturating_mul(1_000_000));
                    let judge = Some(flight.judge);
                    self.retries.push(Ask { job: flight.ask.job, judge, is_second: true, due_ns });
                    self.release_probe(flight.judge, now_ns);
                }
                None => self.fail(&flight, Outcome::JudgeError, now_ns, out),
            },
            _ => self.fail(&flight, Outcome::JudgeError, now_ns, out),
        }
        Some(flight.settlement(actual))
    }

    /// In how many milliseconds [`Desk::next`] is to be asked again though nothing happens before.
    pub fn wake_ms(&self, now_ns: u64) -> Option<u64> {
        let retries = self.retries.iter().map(|ask| ask.due_ns);
        let silences = self.in_flight.iter().map(|(_, flight)| flight.late_ns);
        let due_ns = retries.chain(silences).min()?;
        Some(due_ns.saturating_sub(now_ns).div_ceil(1_000_000).max(1))
    }

    /// Whether nothing waits and nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// Whatever has not ended is lost.
    pub fn abandon(&mut self, out: &mut Vec<Effect>) {
        for (_, open) in self.open.drain(..) {
            out.push(tell::outcome(&open.job.model, Outcome::Lost));
        }
        (self.waiting, self.retries, self.bytes) = (VecDeque::new(), Vec::new(), 0);
        self.called.clear();
        self.in_flight.clear();
    }

    /// Ends the calls that the host should have ended.
    fn give_up(&mut self, now_ns: u64, out: &mut Vec<Effect>) {
        while let Some(late) = self.in_flight.iter().position(|(_, flight)| flight.late_ns <= now_ns) {
            let (_, flight) = self.in_flight.swap_remove(late);
            self.fail(&flight, Outcome::Timeout, now_ns, out);
        }
    }

    fn next_number(&mut self) -> u64 {
        self.last_number = self.last_number.wrapping_add(1);
        self.last_number
    }

    /// What is due again comes before what is new.
    fn next_ask(&mut self, now_ns: u64) -> Option<Ask> {
        match self.retries.iter().position(|ask| ask.due_ns <= now_ns) {
            Some(place) => Some(self.retries.swap_remove(place)),
            None => self.waiting.pop_front(),
        }
    }

    /// The judge to ask: one by its weight among those that are not left alone.
    fn judge_for(&self, ask: &Ask, judges: &[Judge], random: [u8; 24], now_ns: u64) -> Option<usize> {
        let is_open = |judge: &usize| self.breakers.get(*judge).is_some_and(|breaker| breaker.allows(now_ns));
        if let Some(judge) = ask.judge {
            return Some(judge).filter(is_open);
        }
        let candidates = || (0..).zip(judges).filter(|(judge, _)| is_open(judge));
        let weights = candidates().map(|(_, judge)| judge.weight).fold(0, u64::saturating_add);
        let random = random.last_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let mut left = random.checked_rem(weights)?;
        for (number, judge) in candidates() {
            match left.checked_sub(judge.weight) {
                Some(rest) => left = rest,
                None => return Some(number),
            }
        }
        None
    }

    /// Four bytes a token, and the longest verdict.
    fn estimate(&self, judge: &Judge, bytes: usize) -> Price {
        let input = u64::try_from(bytes / 4).unwrap_or(u64::MAX);
        let output = JUDGE_OUTPUT_TOKENS_MAX;
        let units = tell::units(&self.policy, judge, (input, output));
        Price { tokens: input.saturating_add(output), nanodollars: tell::nanodollars(units) }
    }

    fn release_probe(&mut self, judge: usize, now_ns: u64) {
        // Too busy is no fault, but a probe has to end.
        if let Some(breaker) = self.breakers.get_mut(judge) {
            breaker.busy(now_ns);
        }
    }

    /// A judge failed.
    fn fail(&mut self, flight: &Flight, outcome: Outcome, now_ns: u64, out: &mut Vec<Effect>) {
        if let Some(breaker) = self.breakers.get_mut(flight.judge) {
            breaker.failed(now_ns);
        }
        self.end_ask(flight.ask.job, Err(outcome), out);
    }

    /// One of a job's questions has its answer; with the last one the job ends. Of two judges one is enough.
    fn end_ask(&mut self, job: u64, result: Result<Verdict, Outcome>, out: &mut Vec<Effect>) {
        let Some((_, open)) = self.open.iter_mut().find(|(number, _)| *number == job) else {
            return;
        };
        match result {
            Ok(verdict) => open.verdicts.push(verdict),
            Err(outcome) => open.failure = open.failure.or(Some(outcome)),
        }
        open.asks = open.asks.saturating_sub(1);
        if open.asks > 0 {
            return;
        }
        if let Some(open) = take(&mut self.open, job) {
            self.bytes = self.bytes.saturating_sub(bytes_of(&open.job));
            tell::end(&open.job.model, &open.verdicts, open.failure, out);
        }
    }
}

fn find<K: PartialEq, V>(pairs: &[(K, V)], key: K) -> Option<&V> {
    pairs.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
}

fn take<K: PartialEq, V>(pairs: &mut Vec<(K, V)>, key: K) -> Option<V> {
    let place = pairs.iter().position(|(known, _)| *known == key)?;
    Some(pairs.swap_remove(place).1)
}

#[cfg(test)]
mod tests;
