//! The judge's budget: one record in the proxy's shared data, or one for each worker if the host shares no data.

use std::cell::{Cell, RefCell};

use llm_gauge_engine::judge::{Budget, BudgetLimits, Price, Settlement};

use crate::perform::{self, SwapResult};
use crate::shared_data;

/// The number of settlements that are kept until an update succeeds. Beyond that the oldest one is dropped: its
/// reservation then stays, so that less is spent than allowed and never more.
const PENDING_MAX: usize = 64;

/// The judge's budget.
pub(crate) struct SharedBudget {
    /// The key of the record. `None` if the host shares no data.
    key: Option<String>,
    /// The record of this worker, used if `key` is `None`.
    own: Cell<Budget>,
    /// The settlements that are not in the record yet.
    pending: RefCell<Vec<Settlement>>,
}

impl SharedBudget {
    /// Opens the budget of the configuration with this fingerprint.
    pub(crate) fn open(fingerprint: &str) -> Self {
        let key = format!("llm-gauge.judge.budget.{fingerprint}");
        let is_shared = is_shared(&key);
        if !is_shared {
            perform::log_warning(
                "llm-gauge: this proxy shares no data among its workers, so `judge.budget` applies to each worker alone",
            );
        }
        Self { key: is_shared.then_some(key), own: Cell::default(), pending: RefCell::default() }
    }

    /// Reserves the price of a callout. Returns `false` if that exceeds a limit, or if other workers were faster each
    /// time: a price that cannot be recorded is not spent.
    pub(crate) fn reserve(&self, price: Price, limits: &BudgetLimits, now_ns: u64) -> bool {
        self.update(now_ns, |budget| budget.take(price, limits, now_ns))
    }

    /// Replaces the reservation of a callout by its actual price, now or with the next update that succeeds.
    pub(crate) fn settle(&self, settlement: Settlement, now_ns: u64) {
        {
            let mut pending = self.pending.borrow_mut();
            if pending.len() >= PENDING_MAX {
                pending.remove(0);
            }
            pending.push(settlement);
        }
        self.update(now_ns, Some);
    }

    /// Updates the record. Returns whether that succeeded.
    fn update(&self, now_ns: u64, update: impl Fn(Budget) -> Option<Budget>) -> bool {
        let after = |before: Budget| {
            let pending = self.pending.borrow();
            update(pending.iter().fold(before, |budget, settlement| budget.settle(settlement, now_ns)))
        };
        let is_updated = match &self.key {
            Some(key) => swap(key, after),
            None => after(self.own.get()).map(|budget| self.own.set(budget)).is_some(),
        };
        if is_updated {
            self.pending.borrow_mut().clear();
        }
        is_updated
    }
}

/// Returns whether the host keeps shared data.
fn is_shared(key: &str) -> bool {
    shared_data::create(key, &Budget::default().encode());
    // Some hosts have the call but keep nothing. If another worker was faster, the data is kept.
    perform::shared_data(key).is_some_and(|(value, version)| {
        !matches!(perform::swap_shared_data(key, &value, version), SwapResult::Refused)
    })
}

/// Updates the shared record. Returns `false` if `after` refuses the update, or if other workers were faster each
/// time.
fn swap(key: &str, after: impl Fn(Budget) -> Option<Budget>) -> bool {
    let after = |bytes: &[u8]| after(Budget::decode(bytes)).map(|budget| budget.encode()).ok_or(());
    shared_data::update(key, after) == Ok(true)
}
