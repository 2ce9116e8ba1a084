//! The judge's desk in its worker: what wakes it, and the calls it makes.
//!
//! Calls start in the root context, as the answer to one of a stream is lost once the stream is gone. A stream that
//! hands in a job wakes the root by a shared queue, whose name is random: of two queues with one name only the last
//! would be heard of. Where a host has no queues, a tick does.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use llm_gauge_engine::desk::{Answer, Call, Desk};
use llm_gauge_engine::effect::Effect;
use llm_gauge_engine::exhibit::Job;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::judge::Price;
use llm_gauge_engine::policy::Policy;
use proxy_wasm::types::{BufferType, MapType};

use crate::perform::{self, Random, Stats};
use crate::purse::Purse;
use crate::ticks::Ticks;

/// How soon the root looks for jobs where nothing else wakes it.
const WAKE_MS: u64 = 5;

pub(crate) struct Judging {
    policy: Rc<Policy>,
    desk: RefCell<Desk>,
    random: RefCell<Random>,
    queue: Option<u32>,
    purse: Purse,
    ticks: Rc<Ticks>,
    /// The plugin is to go as soon as nothing is under way.
    is_closing: Cell<bool>,
    is_closed: Cell<bool>,
}

impl Judging {
    /// `None` where no judge is configured.
    pub(crate) fn begin(policy: &Rc<Policy>, ticks: &Rc<Ticks>) -> Option<Self> {
        policy.judge()?;
        let mut random = Random::default();
        let name = random.next().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Some(Self {
            policy: Rc::clone(policy),
            desk: RefCell::new(Desk::new(policy)),
            random: RefCell::new(random),
            queue: perform::register_queue(&format!("llm-gauge.judge.{name}")),
            purse: Purse::begin(policy.fingerprint()),
            ticks: Rc::clone(ticks),
            is_closing: Cell::new(false),
            is_closed: Cell::new(false),
        })
    }

    /// A stream hands in a job.
    pub(crate) fn submit(&self, job: Job, stats: &RefCell<Stats>) {
        let mut effects = Vec::new();
        let mut desk = self.desk.borrow_mut();
        desk.submit(job, &mut effects);
        if self.is_closed.get() {
            desk.abandon(&mut effects);
        } else if !self.queue.is_some_and(perform::enqueue) {
            self.ticks.for_judging(WAKE_MS);
        }
        drop(desk);
        perform_all(stats, effects);
    }

    /// The root was woken by its queue.
    pub(crate) fn on_queue(&self, queue: u32, stats: &RefCell<Stats>) {
        if self.queue == Some(queue) {
            while perform::dequeue(queue) {}
            self.run(stats);
        }
    }

    /// Makes the calls that may be made now.
    pub(crate) fn run(&self, stats: &RefCell<Stats>) {
        let (mut effects, mut desk) = (Vec::new(), self.desk.borrow_mut());
        let now_ns = perform::now_ns();
        loop {
            let random = self.random.borrow_mut().next();
            let call = desk.next(now_ns, random, &mut |price| self.is_within(price, now_ns), &mut effects);
            let Some(Call { number, cluster, headers, body, timeout_ms }) = call else {
                break;
            };
            let token = perform::http_call(&cluster, &headers, &body, timeout_ms);
            if let Some(settlement) = desk.sent(number, token, now_ns, &mut effects) {
                self.purse.settle(settlement, now_ns);
            }
        }
        self.ticks.for_judging(desk.wake_ms(now_ns).unwrap_or(0));
        let is_idle = desk.is_idle();
        drop(desk);
        perform_all(stats, effects);
        if is_idle && self.is_closing.get() && !self.is_closed.replace(true) {
            perform::done();
        }
    }

    /// An answer to a call has come, or the news that there is none.
    pub(crate) fn on_answer(&self, token: u32, fields: usize, body_bytes: usize, stats: &RefCell<Stats>) {
        // Without fields the host has no map: asking for one would be an error.
        let map = if fields > 0 { perform::headers(MapType::HttpCallResponseHeaders) } else { Vec::new() };
        let head = Headers::decode(&map);
        let wanted = self.policy.judge().map_or(0, |plan| plan.reply_bytes()).min(body_bytes);
        let body = if fields > 0 && wanted > 0 {
            perform::body(BufferType::HttpCallResponseBody, 0, wanted)
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
        let settlement = self.desk.borrow_mut().answered(token, &answer, now_ns, &mut effects);
        if let Some(settlement) = settlement {
            self.purse.settle(settlement, now_ns);
        }
        perform_all(stats, effects);
        self.run(stats);
    }

    /// The plugin is to go; whether it may at once.
    pub(crate) fn close(&self) -> bool {
        self.is_closing.set(true);
        let is_idle = self.desk.borrow().is_idle();
        self.is_closed.set(is_idle);
        is_idle
    }

    fn is_within(&self, price: Price, now_ns: u64) -> bool {
        self.policy.judge().is_some_and(|plan| self.purse.take(price, plan.limits(), now_ns))
    }
}

fn perform_all(stats: &RefCell<Stats>, effects: Vec<Effect>) {
    for effect in effects {
        perform::perform(stats, effect);
    }
}
