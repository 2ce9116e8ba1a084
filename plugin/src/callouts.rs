//! Callouts: they are made in the root context, which is woken for that, and the shutdown waits for them.
//!
//! A callout of a stream would lose its response once the stream has ended, so all callouts start in the root
//! context. A stream that submits a job wakes it by a shared queue. The queue's name is random, since the host
//! reports only the last of two queues with one name. If the host has no queues, the timer wakes the root context.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use llm_gauge_engine::callouts::{CalloutMark, CalloutResponse};
use llm_gauge_engine::config::Policy;
use llm_gauge_engine::effects::CalloutJob;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::metrics::StatUpdate;
use proxy_wasm::types::{BufferType, MapType};

use crate::callout_mark;
use crate::callout_owner::CalloutOwner;
use crate::exporter::TelemetryExporter;
use crate::judge::JudgeDispatcher;
use crate::perform::{self, Stats};
use crate::random::Random;
use crate::timer::{SharedTimer, TimerUser};

/// The delay in milliseconds until the timer wakes the root context, if no queue does.
const WAKE_MS: u64 = 5;

/// The owners of callouts in one VM.
pub(crate) struct Callouts {
    /// `Some` if a judge is configured.
    judge: Option<JudgeDispatcher>,
    /// `Some` if telemetry is configured.
    exporter: Option<TelemetryExporter>,
    /// The queue that wakes the root context. `None` if the host has no queues.
    queue: Option<u32>,
    timer: Rc<SharedTimer>,
    mark: Rc<CalloutMark>,
    /// Whether the plugin ends as soon as nothing is in flight.
    is_closing: Cell<bool>,
    /// Whether the plugin has ended. No callout is made after that.
    is_closed: Cell<bool>,
}

impl Callouts {
    /// Returns the owners of the configuration. `None` if neither a judge nor telemetry is configured.
    pub(crate) fn new(policy: &Policy, timer: &Rc<SharedTimer>, mark: &Rc<CalloutMark>) -> Option<Self> {
        let (judge, exporter) = (JudgeDispatcher::new(policy), TelemetryExporter::new(policy));
        if judge.is_none() && exporter.is_none() {
            return None;
        }
        let name: String = Random::default().next().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self {
            judge,
            exporter,
            queue: perform::register_queue(&format!("llm-gauge.calls.{name}")),
            timer: Rc::clone(timer),
            mark: Rc::clone(mark),
            is_closing: Cell::new(false),
            is_closed: Cell::new(false),
        })
    }

    /// Submits jobs to their owners.
    pub(crate) fn submit(&self, jobs: Vec<CalloutJob>, stats: &RefCell<Stats>) {
        let mut updates = Vec::new();
        for job in jobs {
            self.submit_one(job, &mut updates);
        }
        perform::update_stats(stats, updates);
    }

    fn submit_one(&self, job: CalloutJob, out: &mut Vec<StatUpdate>) {
        match (job, &self.judge, &self.exporter) {
            (CalloutJob::Judge(job), Some(judge), _) => {
                judge.submit(*job, out);
                self.wake(judge, 0, TimerUser::Judge, out);
            }
            (CalloutJob::Span(span), _, Some(exporter)) => {
                if let Some(in_ms) = exporter.span(*span, out) {
                    self.wake(exporter, in_ms, TimerUser::Exporter, out);
                }
            }
            (CalloutJob::Evaluation(evaluation), _, Some(exporter)) => {
                if let Some(in_ms) = exporter.evaluation(&evaluation, out) {
                    self.wake(exporter, in_ms, TimerUser::Exporter, out);
                }
            }
            (job, ..) => out.push(job.lost_update()),
        }
    }

    /// Makes the root context run an owner in `in_ms` milliseconds.
    fn wake(&self, owner: &dyn CalloutOwner, in_ms: u64, user: TimerUser, out: &mut Vec<StatUpdate>) {
        if self.is_closed.get() {
            owner.abandon(out);
        } else if in_ms > 0 {
            self.timer.at_most(user, in_ms);
        } else if !self.queue.is_some_and(perform::enqueue) {
            self.timer.at_most(user, WAKE_MS);
        }
    }

    /// Handles a wake-up by the queue.
    pub(crate) fn on_queue(&self, queue: u32, stats: &RefCell<Stats>) {
        if self.queue == Some(queue) {
            while perform::dequeue(queue) {}
            self.run(stats);
        }
    }

    /// Makes the callouts that are due, and ends the plugin if it waited only for callouts.
    pub(crate) fn run(&self, stats: &RefCell<Stats>) {
        self.call_all(stats);
        if self.is_closing.get() && self.is_idle() && !self.is_closed.replace(true) {
            perform::done();
        }
    }

    /// Makes the callouts of all owners. The judge is first, since its responses may contain scores to export.
    fn call_all(&self, stats: &RefCell<Stats>) {
        let now_ns = perform::now_ns();
        if let Some(judge) = &self.judge {
            self.timer.set(TimerUser::Judge, self.call(judge, now_ns, stats));
        }
        if let Some(exporter) = &self.exporter {
            let is_last = self.is_closing.get() && self.judge.as_ref().is_none_or(CalloutOwner::is_idle);
            if is_last {
                exporter.close();
            }
            self.timer.set(TimerUser::Exporter, self.call(exporter, now_ns, stats));
        }
    }

    /// Makes an owner's callouts. Returns the milliseconds until it must run again; 0 if it need not run before
    /// something happens.
    fn call(&self, owner: &dyn CalloutOwner, now_ns: u64, stats: &RefCell<Stats>) -> u64 {
        let mut updates = Vec::new();
        while let Some(mut callout) = owner.next(now_ns, &mut updates) {
            callout.headers.extend(callout_mark::field(&self.mark));
            let token = perform::http_call(&callout);
            owner.record_sent(callout.number, token, perform::now_ns(), &mut updates);
        }
        perform::update_stats(stats, updates);
        owner.wake_ms(now_ns).unwrap_or(0)
    }

    /// Handles the response to a callout, or the loss of the response.
    pub(crate) fn on_response(&self, token: u32, fields: usize, body_bytes: usize, stats: &RefCell<Stats>) {
        // Without fields the host has no map, and would report an error.
        let map = if fields > 0 { perform::headers(MapType::HttpCallResponseHeaders) } else { Vec::new() };
        let head = Headers::decode(&map);
        let wanted = self.owners().map(CalloutOwner::response_bytes).max().unwrap_or(0).min(body_bytes);
        let body = if fields > 0 && wanted > 0 {
            perform::buffer(BufferType::HttpCallResponseBody, 0, wanted)
        } else {
            Vec::new()
        };
        let response = CalloutResponse {
            status: head.status(),
            is_local: head.get("x-envoy-upstream-service-time").is_none(),
            retry_after: head.get("retry-after"),
            body: &body,
        };
        let (mut updates, now_ns) = (Vec::new(), perform::now_ns());
        let mut owners = self.owners();
        let scores = owners.find_map(|owner| owner.handle_response(token, &response, now_ns, &mut updates));
        for score in scores.unwrap_or_default() {
            self.submit_one(CalloutJob::Evaluation(Box::new(score)), &mut updates);
        }
        perform::update_stats(stats, updates);
        self.run(stats);
    }

    /// Starts the shutdown. Returns whether it has ended.
    ///
    /// The host only waits for the plugin once it has that return value, and must not receive the end before.
    /// Callouts that the host refuses during this call count for the return value.
    pub(crate) fn close(&self, stats: &RefCell<Stats>) -> bool {
        self.is_closing.set(true);
        self.call_all(stats);
        let is_idle = self.is_idle();
        self.is_closed.set(is_idle);
        is_idle
    }

    /// Ends everything, since a new configuration replaces this one. Open jobs are lost, and so are jobs that streams
    /// of this configuration still submit.
    pub(crate) fn abandon(&self, stats: &RefCell<Stats>) {
        self.is_closed.set(true);
        let mut updates = Vec::new();
        self.owners().for_each(|owner| owner.abandon(&mut updates));
        perform::update_stats(stats, updates);
    }

    fn is_idle(&self) -> bool {
        self.owners().all(CalloutOwner::is_idle)
    }

    fn owners(&self) -> impl Iterator<Item = &dyn CalloutOwner> {
        let judge = self.judge.iter().map(|judge| judge as &dyn CalloutOwner);
        judge.chain(self.exporter.iter().map(|exporter| exporter as &dyn CalloutOwner))
    }
}
