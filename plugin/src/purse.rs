//! The judge's budget: one record that all workers change, or one of each worker's own where the host shares no data.

use std::cell::{Cell, RefCell};

use llm_gauge_engine::judge::{Budget, BudgetLimits, Price, Settlement};

use crate::perform::{self, Swap};
use crate::record;

/// Settlements that are kept until a swap succeeds. Of more the oldest is forgotten: what was taken out for its call
/// then stays taken out, which spends less than is allowed and never more.
const OWED_MAX: usize = 64;

pub(crate) struct Purse {
    /// Where all workers find the record; `None`: the host has no such place.
    key: Option<String>,
    /// The record of this worker alone, where there is no other.
    own: Cell<Budget>,
    owed: RefCell<Vec<Settlement>>,
}

impl Purse {
    /// The one of the configuration with this fingerprint.
    pub(crate) fn begin(fingerprint: &str) -> Self {
        let key = format!("llm-gauge.judge.budget.{fingerprint}");
        let is_shared = is_shared(&key);
        if !is_shared {
            perform::log_warning(
                "llm-gauge: this proxy shares no data among its workers: `judge.budget` holds for each of them alone",
            );
        }
        Self { key: is_shared.then_some(key), own: Cell::default(), owed: RefCell::default() }
    }

    /// Takes the price of a call out; `false` if that is over a limit. So it is, too, where other workers were faster
    /// with every swap: what cannot be written down is not spent.
    pub(crate) fn take(&self, price: Price, limits: &BudgetLimits, now_ns: u64) -> bool {
        self.change(now_ns, |budget| budget.take(price, limits, now_ns))
    }

    /// Sets right what a call was thought to cost: now, or with the next change that succeeds.
    pub(crate) fn settle(&self, settlement: Settlement, now_ns: u64) {
        {
            let mut owed = self.owed.borrow_mut();
            if owed.len() >= OWED_MAX {
                owed.remove(0);
            }
            owed.push(settlement);
        }
        self.change(now_ns, Some);
    }

    /// Whether the change was made.
    fn change(&self, now_ns: u64, change: impl Fn(Budget) -> Option<Budget>) -> bool {
        let after = |before: Budget| {
            let owed = self.owed.borrow();
            change(owed.iter().fold(before, |budget, settlement| budget.settle(settlement, now_ns)))
        };
        let is_made = match &self.key {
            Some(key) => swap(key, after),
            None => after(self.own.get()).map(|budget| self.own.set(budget)).is_some(),
        };
        if is_made {
            self.owed.borrow_mut().clear();
        }
        is_made
    }
}

/// Whether the host keeps what one worker puts there for the others.
fn is_shared(key: &str) -> bool {
    record::begin(key, &Budget::default().encode());
    // Some hosts have the call and keep nothing. A swap that others were faster with shows that it is kept.
    perform::shared_data(key).is_some_and(|(value, version)| {
        !matches!(perform::swap_shared_data(key, &value, version), Swap::Refused)
    })
}

/// `false` if the change is refused, or others always came first.
fn swap(key: &str, after: impl Fn(Budget) -> Option<Budget>) -> bool {
    let after = |bytes: &[u8]| after(Budget::decode(bytes)).map(|budget| budget.encode()).ok_or(());
    record::change(key, after) == Ok(true)
}
