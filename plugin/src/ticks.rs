//! The root context's one timer, shared by those who want to be called later.

use std::cell::Cell;

use crate::perform;

#[derive(Default)]
pub(crate) struct Ticks {
    holding_ms: Cell<u64>,
    judging_ms: Cell<u64>,
    /// What the host was told last; 0: never.
    period_ms: Cell<u64>,
}

impl Ticks {
    /// Requests are held: at least that often; 0: none is.
    pub(crate) fn for_holding(&self, every_ms: u64) {
        self.holding_ms.set(every_ms);
        self.tell();
    }

    /// A judge is to be called: at least that often; 0: none is.
    pub(crate) fn for_judging(&self, every_ms: u64) {
        self.judging_ms.set(every_ms);
        self.tell();
    }

    fn tell(&self) {
        let wanted = [self.holding_ms.get(), self.judging_ms.get()].into_iter().filter(|ms| *ms > 0);
        let period_ms = wanted.min().unwrap_or(0);
        if self.period_ms.replace(period_ms) != period_ms {
            perform::tick_every(period_ms);
        }
    }
}
