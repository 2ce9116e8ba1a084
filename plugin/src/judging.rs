//! The judges' desk in its worker: its random bytes, and the budget it shares with other workers.

use std::cell::RefCell;
use std::rc::Rc;

use llm_gauge_engine::call::{Answer, Call};
use llm_gauge_engine::config::Policy;
use llm_gauge_engine::desk::Desk;
use llm_gauge_engine::effect::Effect;
use llm_gauge_engine::exhibit::Job;
use llm_gauge_engine::judge::Price;

use crate::calling::Caller;
use crate::perform::Random;
use crate::purse::Purse;

pub(crate) struct Judging {
    policy: Rc<Policy>,
    desk: RefCell<Desk>,
    random: RefCell<Random>,
    purse: Purse,
}

impl Judging {
    /// `None` where no judge is configured.
    pub(crate) fn begin(policy: &Rc<Policy>) -> Option<Self> {
        policy.judge()?;
        Some(Self {
            policy: Rc::clone(policy),
            desk: RefCell::new(Desk::new(policy)),
            random: RefCell::default(),
            purse: Purse::begin(policy.fingerprint()),
        })
    }

    /// A stream hands in a job.
    pub(crate) fn submit(&self, job: Job, out: &mut Vec<Effect>) {
        self.desk.borrow_mut().submit(job, out);
    }

    fn is_within(&self, price: Price, now_ns: u64) -> bool {
        self.policy.judge().is_some_and(|plan| self.purse.take(price, plan.limits(), now_ns))
    }
}

impl Caller for Judging {
    fn next(&self, now_ns: u64, out: &mut Vec<Effect>) -> Option<Call> {
        let random = self.random.borrow_mut().next();
        self.desk.borrow_mut().next(now_ns, random, &mut |price| self.is_within(price, now_ns), out)
    }

    fn sent(&self, number: u64, token: Option<u32>, now_ns: u64, out: &mut Vec<Effect>) {
        let settlement = self.desk.borrow_mut().sent(number, token, now_ns, out);
        if let Some(settlement) = settlement {
            self.purse.settle(settlement, now_ns);
        }
    }

    fn answered(&self, token: u32, answer: &Answer<'_>, now_ns: u64, out: &mut Vec<Effect>) -> bool {
        let settlement = self.desk.borrow_mut().answered(token, answer, now_ns, out);
        settlement.is_some_and(|settlement| {
            self.purse.settle(settlement, now_ns);
            true
        })
    }

    fn reply_bytes(&self) -> usize {
        self.policy.judge().map_or(0, |plan| plan.reply_bytes())
    }

    fn wake_ms(&self, now_ns: u64) -> Option<u64> {
        self.desk.borrow().wake_ms(now_ns)
    }

    fn is_idle(&self) -> bool {
        self.desk.borrow().is_idle()
    }

    /// What waits is judged all the same.
    fn close(&self) {}

    fn abandon(&self, out: &mut Vec<Effect>) {
        self.desk.borrow_mut().abandon(out);
    }
}
