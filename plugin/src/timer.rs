//! The only timer of the root context, shared by all its users.

use std::cell::Cell;

use crate::perform;

/// A user of the timer.
#[derive(Clone, Copy)]
pub(crate) enum TimerUser {
    /// Held requests, which are released after a timeout.
    HeldRequests,
    /// Callouts to judges.
    Judge,
    /// Callouts with spans and events.
    Exporter,
}

/// The timer of the root context, whose period is the shortest that a user needs.
#[derive(Default)]
pub(crate) struct SharedTimer {
    /// The period in milliseconds that each user needs; 0 if it needs none.
    wanted_ms: [Cell<u64>; 3],
    /// The period in milliseconds that the host has; 0 if the timer is off.
    period_ms: Cell<u64>,
}

impl SharedTimer {
    /// Sets the period that a user needs in milliseconds; 0 if it needs none.
    pub(crate) fn set(&self, user: TimerUser, period_ms: u64) {
        if let Some(wanted_ms) = self.wanted_ms.get(user as usize) {
            wanted_ms.set(period_ms);
        }
        self.update_host();
    }

    /// Shortens the period that a user needs to at most `period_ms`.
    pub(crate) fn at_most(&self, user: TimerUser, period_ms: u64) {
        let wanted_ms = self.wanted_ms.get(user as usize).map_or(0, Cell::get);
        if wanted_ms == 0 || period_ms < wanted_ms {
            self.set(user, period_ms);
        }
    }

    fn update_host(&self) {
        let wanted = self.wanted_ms.iter().map(Cell::get).filter(|ms| *ms > 0);
        let period_ms = wanted.min().unwrap_or(0);
        if self.period_ms.replace(period_ms) != period_ms {
            perform::set_timer_period(period_ms);
        }
    }
}
