//! Calls to other clusters: what wakes the desks that have some to make, the calls themselves, and how a plugin goes
//! that has some under way.
//!
//! Calls start in the root context, as the answer to one of a stream is lost once the stream is gone. A stream that
//! hands something in wakes the root by a shared queue, whose name is random: of two queues with one name only the last
//! would be heard of. Where a host has no queues, a tick does.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use llm_gauge_engine::call::{Answer, Call};
use llm_gauge_engine::config::Policy;
use llm_gauge_engine::effect::Effect;
use llm_gauge_engine::head::Headers;
use proxy_wasm::types::{BufferType, MapType};

use crate::exporting::Exporting;
use crate::judging::Judging;
use crate::perform::{self, Random, Stats};
use crate::ticks::{Ticks, Who};

/// How soon the root looks for something to do where nothing else wakes it.
const WAKE_MS: u64 = 5;

/// A desk of the engine with what it needs of the host. Effects are left behind for whoever asks.
pub(crate) trait Caller {
    /// The next call that may be made now.
    fn next(&self, now_ns: u64, out: &mut Vec<Effect>) -> Option<Call>;
    /// The host took the call, or refused it.
    fn sent(&self, number: u64, token: Option<u32>, now_ns: u64, out: &mut Vec<Effect>);
    /// A call was answered; whether it was one of this desk's.
    fn answered(&self, token: u32, answer: &Answer<'_>, now_ns: u64, out: &mut Vec<Effect>) -> bool;
    /// Bytes of an answer that are of use.
    fn reply_bytes(&self) -> usize;
    /// When to ask for a call again though nothing happens before.
    fn wake_ms(&self, now_ns: u64) -> Option<u64>;
    /// Whether nothing waits and nothing is under way.
    fn is_idle(&self) -> bool;
    /// The plugin is to go, and nothing new comes of what the desks before this one do.
    fn close(&self);
    /// The plugin is gone: whatever comes still is lost.
    fn abandon(&self, out: &mut Vec<Effect>);
}

/// The desks of one VM.
pub(crate) struct Calling {
    /// There where a judge is configured.
    judging: Option<Judging>,
    /// There where spans or scores go anywhere.
    exporting: Option<Exporting>,
    queue: Option<u32>,
    ticks: Rc<Ticks>,
    /// The plugin is to go as soon as nothing is under way.
    is_closing: Cell<bool>,
    is_closed: Cell<bool>,
}

impl Calling {
    /// `None` where there is nobody to call.
    pub(crate) fn begin(policy: &Rc<Policy>, ticks: &Rc<Ticks>) -> Option<Self> {
        let (judging, exporting) = (Judging::begin(policy), Exporting::begin(policy));
        if judging.is_none() && exporting.is_none() {
            return None;
        }
        let name: String = Random::default().next().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self {
            judging,
            exporting,
            queue: perform::register_queue(&format!("llm-gauge.calls.{name}")),
            ticks: Rc::clone(ticks),
            is_closing: Cell::new(false),
            is_closed: Cell::new(false),
        })
    }

    /// Does what the engine asks for, and what comes of that.
    pub(crate) fn perform(&self, effects: Vec<Effect>, stats: &RefCell<Stats>) {
        let mut more = Vec::new();
        for effect in effects {
            match (effect, &self.judging, &self.exporting) {
                (Effect::Judge(job), Some(judging), _) => {
                    judging.submit(*job, &mut more);
                    self.wake(judging, 0, Who::Judging, &mut more);
                }
                (Effect::Span(span), _, Some(exporting)) => {
                    if let Some(in_ms) = exporting.span(*span, &mut more) {
                        self.wake(exporting, in_ms, Who::Exporting, &mut more);
                    }
                }
                (Effect::Evaluation(score), _, Some(exporting)) => {
                    if let Some(in_ms) = exporting.evaluation(&score, &mut more) {
                        self.wake(exporting, in_ms, Who::Exporting, &mut more);
                    }
                }
                (effect, ..) => perform::perform(stats, effect),
            }
        }
        // What comes of handing something in are numbers of what was turned away.
        more.into_iter().for_each(|effect| perform::perform(stats, effect));
    }

    /// Has the root look at a desk in so many milliseconds.
    fn wake(&self, caller: &dyn Caller, in_ms: u64, who: Who, out: &mut Vec<Effect>) {
        if self.is_closed.get() {
            caller.abandon(out);
        } else if in_ms > 0 {
            self.ticks.at_most(who, in_ms);
        } else if !self.queue.is_some_and(perform::enqueue) {
            self.ticks.at_most(who, WAKE_MS);
        }
    }

    /// The root was woken by its queue.
    pub(crate) fn on_queue(&self, queue: u32, stats: &RefCell<Stats>) {
        if self.queue == Some(queue) {
            while perform::dequeue(queue) {}
            self.run(stats);
        }
    }

    /// Makes the calls that may be made now, and lets the plugin go if that was what it waited for.
    pub(crate) fn run(&self, stats: &RefCell<Stats>) {
        self.call_all(stats);
        if self.is_closing.get() && self.is_idle() && !self.is_closed.replace(true) {
            perform::done();
        }
    }

    /// Judges come first: what is lost with them are scores to export.
    fn call_all(&self, stats: &RefCell<Stats>) {
        let now_ns = perform::now_ns();
        if let Some(judging) = &self.judging {
            self.ticks.set(Who::Judging, self.make_calls(judging, now_ns, stats));
        }
        if let Some(exporting) = &self.exporting {
            let is_last = self.is_closing.get() && self.judging.as_ref().is_none_or(Caller::is_idle);
            if is_last {
                exporting.close();
            }
            self.ticks.set(Who::Exporting, self.make_calls(exporting, now_ns, stats));
        }
    }

    /// Makes a desk's calls; when it wants to be asked again, 0: not before something happens.
    fn make_calls(&self, caller: &dyn Caller, now_ns: u64, stats: &RefCell<Stats>) -> u64 {
        let mut effects = Vec::new();
        while let Some(call) = caller.next(now_ns, &mut effects) {
            let token = perform::http_call(&call);
            caller.sent(call.number, token, perform::now_ns(), &mut effects);
        }
        self.perform(effects, stats);
        caller.wake_ms(now_ns).unwrap_or(0)
    }

    /// An answer to a call has come, or the news that there is none.
    pub(crate) fn on_answer(&self, token: u32, fields: usize, body_bytes: usize, stats: &RefCell<Stats>) {
        // Without fields the host has no map: asking for one would be an error.
        let map = if fields > 0 { perform::headers(MapType::HttpCallResponseHeaders) } else { Vec::new() };
        let head = Headers::decode(&map);
        let wanted = self.callers().map(Caller::reply_bytes).max().unwrap_or(0).min(body_bytes);
        let body = if fields > 0 && wanted > 0 {
            perform::buffer(BufferType::HttpCallResponseBody, 0, wanted)
        } else {
            Vec::new()
        };
        let answer = Answer {
            status: head.status(),
            is_local: head.get("x-envoy-upstream-service-time").is_none(),
            retry_after: head.get("retry-after"),
            body: &body,
        };
        let (mut effects, now_ns) = (Vec::new(), perform::now_ns());
        let _known = self.callers().any(|caller| caller.answered(token, &answer, now_ns, &mut effects));
        self.perform(effects, stats);
        self.run(stats);
    }

    /// The plugin is to go; whether it may at once. Until the host has that answer it does not wait, and refuses to hear
    /// that the waiting is over: calls that it turns down right here end in the answer.
    pub(crate) fn close(&self, stats: &RefCell<Stats>) -> bool {
        self.is_closing.set(true);
        self.call_all(stats);
        let is_idle = self.is_idle();
        self.is_closed.set(is_idle);
        is_idle
    }

    /// Others take over: what has not ended is lost, and so is what streams of before still hand in.
    pub(crate) fn abandon(&self, stats: &RefCell<Stats>) {
        self.is_closed.set(true);
        let mut effects = Vec::new();
        self.callers().for_each(|caller| caller.abandon(&mut effects));
        effects.into_iter().for_each(|effect| perform::perform(stats, effect));
    }

    fn is_idle(&self) -> bool {
        self.callers().all(Caller::is_idle)
    }

    fn callers(&self) -> impl Iterator<Item = &dyn Caller> {
        let judging = self.judging.iter().map(|judging| judging as &dyn Caller);
        judging.chain(self.exporting.iter().map(|exporting| exporting as &dyn Caller))
    }
}
