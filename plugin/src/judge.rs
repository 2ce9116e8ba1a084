//! The judge's dispatcher in its worker, with its random bytes and the budget that it shares with other workers.

use std::cell::RefCell;
use std::rc::Rc;

use llm_gauge_engine::callouts::{Callout, CalloutResponse};
use llm_gauge_engine::config::Policy;
use llm_gauge_engine::judge::Evaluation;
use llm_gauge_engine::judge::capture::JudgeJob;
use llm_gauge_engine::judge::{Dispatcher, JudgePlan, Price};
use llm_gauge_engine::metrics::StatUpdate;
use llm_gauge_engine::telemetry::otlp::Signal;

use crate::callout_owner::CalloutOwner;
use crate::random::Random;
use crate::shared_budget::SharedBudget;

pub(crate) struct JudgeDispatcher {
    plan: Rc<JudgePlan>,
    dispatcher: RefCell<Dispatcher>,
    random: RefCell<Random>,
    budget: SharedBudget,
}

impl JudgeDispatcher {
    /// Returns the dispatcher of the configured judge. `None` if none is configured.
    pub(crate) fn new(policy: &Policy) -> Option<Self> {
        let plan = policy.judge()?;
        let exports_scores = policy.telemetry().is_some_and(|plan| plan.takes(Signal::Events));
        Some(Self {
            plan: Rc::clone(plan),
            dispatcher: RefCell::new(Dispatcher::new(plan, policy.prices(), exports_scores, policy.memory())),
            random: RefCell::default(),
            budget: SharedBudget::open(policy.fingerprint()),
        })
    }

    /// Queues a job.
    pub(crate) fn submit(&self, job: JudgeJob, out: &mut Vec<StatUpdate>) {
        self.dispatcher.borrow_mut().submit(job, out);
    }
}

impl CalloutOwner for JudgeDispatcher {
    fn next(&self, now_ns: u64, out: &mut Vec<StatUpdate>) -> Option<Callout> {
        let random = self.random.borrow_mut().next();
        let mut reserve = |price: Price| self.budget.reserve(price, self.plan.limits(), now_ns);
        self.dispatcher.borrow_mut().next(now_ns, random, &mut reserve, out)
    }

    fn record_sent(&self, number: u64, token: Option<u32>, now_ns: u64, out: &mut Vec<StatUpdate>) {
        let settlement = self.dispatcher.borrow_mut().record_sent(number, token, now_ns, out);
        if let Some(settlement) = settlement {
            self.budget.settle(settlement, now_ns);
        }
    }

    fn handle_response(
        &self,
        token: u32,
        response: &CalloutResponse<'_>,
        now_ns: u64,
        out: &mut Vec<StatUpdate>,
    ) -> Option<Vec<Evaluation>> {
        let result = self.dispatcher.borrow_mut().handle_response(token, response, now_ns, out)?;
        self.budget.settle(result.settlement, now_ns);
        Some(result.evaluations)
    }

    fn response_bytes(&self) -> usize {
        self.plan.reply_bytes()
    }

    fn wake_ms(&self, now_ns: u64) -> Option<u64> {
        self.dispatcher.borrow().wake_ms(now_ns)
    }

    fn is_idle(&self) -> bool {
        self.dispatcher.borrow().is_idle()
    }

    /// Does nothing: waiting jobs are still judged.
    fn close(&self) {}

    fn abandon(&self, out: &mut Vec<StatUpdate>) {
        self.dispatcher.borrow_mut().abandon(out);
    }
}
