//! The dispatcher of judge calls in one worker: the queue of jobs, the callouts in flight, and the outcome of each.
//!
//! It is a plain value: times and random bytes are arguments, and the shell makes the callouts that it returns. Each
//! submitted job ends in exactly one [`Outcome`].

mod callout;
mod judges;
pub(crate) mod stats;

use std::rc::Rc;

use llm_gauge_decode::{MemoryBudget, Reservation};

use callout::{bytes_of, callout, retry_ms};
use judges::Judges;
use stats::CostCounter;

use super::{Judge, JudgePlan, JudgeReply, Outcome, Price, Settlement, Verdict, prompt};
use crate::callouts::{
    ActiveCallout, Callout, CalloutQueue, CalloutResponse, QueueLimits, SendResult, milliseconds_until,
    nanoseconds,
};
use crate::judge::Evaluation;
use crate::judge::capture::JudgeJob;
use crate::limits::{JUDGE_OUTPUT_TOKENS_MAX, JUDGE_QUEUE_BYTES_MAX};
use crate::metrics::StatUpdate;
use crate::price::PriceTable;

/// The number of attempts per query: one, and one more if the judge was too busy.
const ATTEMPTS_MAX: u32 = 2;

/// The approximate length of a token, to reserve a price before the judge has counted its tokens.
const BYTES_PER_TOKEN: usize = 4;

/// A query to one judge about one job. A panel makes two of each job.
#[derive(Debug)]
struct Query {
    job: u64,
    /// The judge's index in the plan. `None` until one is chosen; a panel and a retry have it from the start.
    judge: Option<usize>,
}

/// The state of a callout that waits for its response.
#[derive(Debug)]
struct Attempt {
    /// The judge's index in the plan.
    judge: usize,
    nonce: String,
    /// Random bits that spread the retries of workers which were turned away together.
    random: u16,
    /// The price that was reserved in the budget.
    reserved: Price,
}

type QueryCallout = ActiveCallout<Query, Attempt>;

/// A job that has not ended.
#[derive(Debug)]
struct OpenJob {
    number: u64,
    job: JudgeJob,
    /// The number of queries that have not ended.
    queries: usize,
    verdicts: Vec<Verdict>,
    /// The first failure. `None` if no query failed.
    failure: Option<Outcome>,
}

/// The result of a response, in addition to its stats.
#[derive(Debug)]
pub struct QueryResult {
    /// The price of the query, for the budget.
    pub settlement: Settlement,
    /// The scores to export.
    pub evaluations: Vec<Evaluation>,
}

/// The dispatcher of judge calls, as described in the module.
#[derive(Debug)]
pub struct Dispatcher {
    plan: Rc<JudgePlan>,
    /// `None` if no prices are configured.
    prices: Option<Rc<PriceTable>>,
    exports_scores: bool,
    /// The open jobs. Their bound is small enough for a linear search.
    jobs: Vec<OpenJob>,
    callouts: CalloutQueue<Query, Attempt>,
    /// The bytes of all texts in `jobs`, from the worker's memory budget.
    memory: Reservation,
    judges: Judges,
    last_number: u64,
    costs: CostCounter,
}

impl Dispatcher {
    /// Returns a dispatcher without jobs. Their texts take their memory from `memory`. Scores are only returned if
    /// `exports_scores`.
    pub fn new(
        plan: &Rc<JudgePlan>,
        prices: Option<&Rc<PriceTable>>,
        exports_scores: bool,
        memory: &MemoryBudget,
    ) -> Self {
        let limits = QueueLimits {
            in_flight_max: plan.in_flight_max,
            attempts_max: ATTEMPTS_MAX,
            timeout_ms: plan.timeout_ms,
        };
        Self {
            plan: Rc::clone(plan),
            prices: prices.cloned(),
            exports_scores,
            jobs: Vec::new(),
            callouts: CalloutQueue::new(limits),
            memory: memory.reservation(),
            judges: Judges::new(plan.judges.len()),
            last_number: 0,
            costs: CostCounter::default(),
        }
    }

    /// Queues a job. Ends it with [`Outcome::QueueFull`] if the queue is full, or with [`Outcome::Memory`] if the
    /// worker has no memory for it.
    pub fn submit(&mut self, job: JudgeJob, out: &mut Vec<StatUpdate>) {
        let queries = if self.plan.is_panel { 2 } else { 1 };
        let queries_max = self.plan.queue_max.saturating_mul(queries);
        let bytes = self.memory.bytes().saturating_add(bytes_of(&job));
        // Retries count too: a judge that is too busy for all of them would otherwise let the queue grow without a
        // bound.
        if self.callouts.queued() >= queries_max || bytes > JUDGE_QUEUE_BYTES_MAX {
            out.push(stats::outcome(&job.model, Outcome::QueueFull));
            return;
        }
        if self.memory.resize(bytes).is_err() {
            out.push(stats::outcome(&job.model, Outcome::Memory));
            return;
        }
        let number = self.next_number();
        for judge in 0..queries {
            self.callouts.push(Query { job: number, judge: self.plan.is_panel.then_some(judge) });
        }
        self.jobs.push(OpenJob { number, job, queries, verdicts: Vec::new(), failure: None });
    }

    /// Returns the next callout to make now. `None` if there is none.
    ///
    /// `reserve` reserves its price in the budget, and returns whether that is within the limits.
    pub fn next(
        &mut self,
        now_ns: u64,
        random: [u8; 24],
        reserve: &mut dyn FnMut(Price) -> bool,
        out: &mut Vec<StatUpdate>,
    ) -> Option<Callout> {
        while let Some(callout) = self.callouts.timed_out(now_ns) {
            self.fail(&callout, Outcome::Timeout, now_ns, out);
        }
        let plan = Rc::clone(&self.plan);
        while let Some(queued) = self.callouts.next(now_ns) {
            let Query { job, judge } = queued.item;
            let chosen = match judge {
                Some(judge) => Some(judge).filter(|judge| self.judges.is_available(*judge, now_ns)),
                None => self.judges.choose(&plan.judges, random, now_ns),
            };
            let Some(place) = chosen else {
                self.end_query(job, Err(Outcome::JudgeError), out);
                continue;
            };
            let (Some(judge), Some(open)) = (plan.judges.get(place), self.job(job)) else {
                continue;
            };
            let nonce = prompt::nonce(random.first_chunk().unwrap_or(&[0; 16]));
            let body = prompt::body(&plan, judge, &open.input, &nonce);
            let reserved = self.estimate(judge, body.len());
            if !reserve(reserved) {
                self.end_query(job, Err(Outcome::OverBudget), out);
                continue;
            }
            self.judges.record_call(place);
            let number = self.next_number();
            let [high, low, ..] = random;
            let attempt = Attempt { judge: place, nonce, random: u16::from_be_bytes([high, low]), reserved };
            self.callouts.start(number, queued, attempt, now_ns);
            return Some(callout(number, judge, body, plan.timeout_ms));
        }
        None
    }

    /// Records that the host accepted a callout with this token, or refused it if `token` is `None`.
    ///
    /// Returns the correction of the budget for a refused callout, and `None` otherwise.
    pub fn record_sent(
        &mut self,
        number: u64,
        token: Option<u32>,
        now_ns: u64,
        out: &mut Vec<StatUpdate>,
    ) -> Option<Settlement> {
        match self.callouts.sent(number, token) {
            SendResult::Unknown | SendResult::InFlight => None,
            SendResult::Refused(callout) => {
                self.fail(&callout, Outcome::JudgeError, now_ns, out);
                Some(settlement(&callout, Price::default()))
            }
            // The replaced callout may have cost its reserved price, so that stays reserved.
            SendResult::Replaced(callout) => {
                self.fail(&callout, Outcome::JudgeError, now_ns, out);
                None
            }
        }
    }

    /// Handles the response to a callout. `None` if the callout is not one of this dispatcher.
    pub fn handle_response(
        &mut self,
        token: u32,
        response: &CalloutResponse<'_>,
        now_ns: u64,
        out: &mut Vec<StatUpdate>,
    ) -> Option<QueryResult> {
        let callout = self.callouts.answered(token)?;
        let duration_ms = now_ns.saturating_sub(callout.started_ns).checked_div(1_000_000).unwrap_or(0);
        out.push(stats::duration(&self.job(callout.item.job)?.model, duration_ms));
        let mut settlement = settlement(&callout, Price::default());
        let mut evaluations = Vec::new();
        match response.status {
            Some(200) => (settlement.actual, evaluations) = self.read(&callout, response.body, out),
            Some(504) if response.is_local => {
                settlement.actual = settlement.reserved;
                self.fail(&callout, Outcome::Timeout, now_ns, out);
            }
            Some(429 | 503) => self.retry(callout, response.retry_after, now_ns, out),
            _ => self.fail(&callout, Outcome::JudgeError, now_ns, out),
        }
        Some(QueryResult { settlement, evaluations })
    }

    /// Returns the milliseconds after which [`next`](Self::next) must be called even if nothing happens before.
    /// `None` if it need not be called.
    pub fn wake_ms(&self, now_ns: u64) -> Option<u64> {
        self.callouts.wake_ns().map(|due_ns| milliseconds_until(due_ns, now_ns).max(1))
    }

    /// Returns whether every job has ended.
    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Ends every job with [`Outcome::Lost`].
    pub fn abandon(&mut self, out: &mut Vec<StatUpdate>) {
        for open in self.jobs.drain(..) {
            out.push(stats::outcome(&open.job.model, Outcome::Lost));
        }
        self.callouts.drain().for_each(drop);
        self.release(self.memory.bytes());
    }

    fn next_number(&mut self) -> u64 {
        self.last_number = self.last_number.wrapping_add(1);
        self.last_number
    }

    fn job(&self, number: u64) -> Option<&JudgeJob> {
        self.jobs.iter().find(|open| open.number == number).map(|open| &open.job)
    }

    /// Gives bytes back to the memory budget, which never refuses less.
    fn release(&mut self, bytes: usize) {
        let _less = self.memory.resize(self.memory.bytes().saturating_sub(bytes));
    }

    /// Returns the estimated price of a query: the tokens of its body, and the longest verdict.
    fn estimate(&self, judge: &Judge, body_bytes: usize) -> Price {
        let input = u64::try_from(body_bytes / BYTES_PER_TOKEN).unwrap_or(u64::MAX);
        let output = JUDGE_OUTPUT_TOKENS_MAX;
        let units = stats::units(self.prices.as_deref(), judge, (input, output));
        Price { tokens: input.saturating_add(output), nanodollars: stats::nanodollars(units) }
    }

    /// Reads a verdict. Returns its price and the scores to export.
    fn read(
        &mut self,
        callout: &QueryCallout,
        body: &[u8],
        out: &mut Vec<StatUpdate>,
    ) -> (Price, Vec<Evaluation>) {
        let Attempt { judge: place, nonce, reserved, .. } = &callout.context;
        let plan = Rc::clone(&self.plan);
        let (Some(judge), Some(job)) = (plan.judges.get(*place), self.job(callout.item.job)) else {
            return (*reserved, Vec::new());
        };
        let reply = JudgeReply::read(body, &plan, &job.input, nonce);
        let exported = reply.verdict.as_ref().filter(|_| self.exports_scores);
        let evaluations = exported
            .map(|verdict| stats::evaluations(job, verdict, (&judge.model, nonce)))
            .unwrap_or_default();
        self.judges.record_success(*place);
        // A judge that reports no tokens may have cost the reserved price.
        let mut actual = *reserved;
        if let Some((input, output)) = reply.tokens {
            let nanodollars = self.costs.count(self.prices.as_deref(), judge, (input, output), out);
            actual = Price { tokens: input.saturating_add(output), nanodollars };
        }
        self.end_query(callout.item.job, reply.verdict.ok_or(Outcome::InvalidVerdict), out);
        (actual, evaluations)
    }

    /// Retries a query to a judge that was too busy. The query fails if this was its last attempt, or if the judge
    /// asks for too long a pause.
    fn retry(
        &mut self,
        mut callout: QueryCallout,
        retry_after: Option<&[u8]>,
        now_ns: u64,
        out: &mut Vec<StatUpdate>,
    ) {
        let judge = callout.context.judge;
        callout.item.judge = Some(judge);
        let failed = match retry_ms(retry_after, callout.context.random) {
            Some(ms) => self.callouts.retry(callout, now_ns.saturating_add(nanoseconds(ms))),
            None => Err(callout),
        };
        match failed {
            Ok(()) => self.judges.record_busy(judge, now_ns),
            Err(callout) => self.fail(&callout, Outcome::JudgeError, now_ns, out),
        }
    }

    /// Ends the query of a failed callout.
    fn fail(&mut self, callout: &QueryCallout, outcome: Outcome, now_ns: u64, out: &mut Vec<StatUpdate>) {
        self.judges.record_failure(callout.context.judge, now_ns);
        self.end_query(callout.item.job, Err(outcome), out);
    }

    /// Ends one query of a job, and the job with its last query. One verdict of a panel is enough.
    fn end_query(&mut self, job: u64, result: Result<Verdict, Outcome>, out: &mut Vec<StatUpdate>) {
        let Some(place) = self.jobs.iter().position(|open| open.number == job) else {
            return;
        };
        let Some(open) = self.jobs.get_mut(place) else {
            return;
        };
        match result {
            Ok(verdict) => open.verdicts.push(verdict),
            Err(outcome) => open.failure = open.failure.or(Some(outcome)),
        }
        open.queries = open.queries.saturating_sub(1);
        if open.queries == 0 {
            let open = self.jobs.swap_remove(place);
            self.release(bytes_of(&open.job));
            stats::end(&open.job.model, &open.verdicts, open.failure, out);
        }
    }
}

fn settlement(callout: &QueryCallout, actual: Price) -> Settlement {
    Settlement { reserved: callout.context.reserved, reserved_at_ns: callout.started_ns, actual }
}

#[cfg(test)]
pub(super) mod tests;
