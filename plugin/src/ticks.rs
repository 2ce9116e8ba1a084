//! The root context's one timer, shared by those who want to be called later.

use std::cell::Cell;

use crate::perform;

/// Who wants to be called.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    /// Requests are held.
    Holding,
    /// A judge is to be called.
    Judging,
    /// Spans or scores are to be sent.
    Exporting,
}

#[derive(Default)]
pub(crate) struct Ticks {
    /// By who; 0: never.
    wanted_ms: [Cell<u64>; 3],
    /// What the host was told last; 0: never.
    period_ms: Cell<u64>,
}

impl Ticks {
    /// At least that often from now on; 0: not any more.
    pub(crate) fn set(&self, who: Who, every_ms: u64) {
        if let Some(wanted_ms) = self.wanted_ms.get(who as usize) {
            wanted_ms.set(every_ms);
        }
        self.tell();
    }

    /// At least that often, or as often as before.
    pub(crate) fn at_most(&self, who: Who, every_ms: u64) {
        let wanted_ms = self.wanted_ms.get(who as usize).map_or(0, Cell::get);
        if wanted_ms == 0 || every_ms < wanted_ms {
            self.set(who, every_ms);
        }
    }

    fn tell(&self) {
        let wanted = self.wanted_ms.iter().map(Cell::get).filter(|ms| *ms > 0);
        let period_ms = wanted.min().unwrap_or(0);
        if self.period_ms.replace(period_ms) != period_ms {
            perform::tick_every(period_ms);
        }
    }
}
