//! A judge that fails again and again is left alone for a while.

/// Failures in a row after which a judge is left alone.
const FAILURES_MAX: u32 = 5;

/// How long.
const OPEN_NS: u64 = 30_000_000_000;

/// Whether a judge is to be asked.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    open_until_ns: Option<u64>,
    is_probing: bool,
}

impl Breaker {
    /// Whether a call may be made now. After the pause one is, and what becomes of it decides.
    pub(crate) fn allows(&self, now_ns: u64) -> bool {
        self.open_until_ns.is_none_or(|until_ns| until_ns <= now_ns && !self.is_probing)
    }

    /// A call is made.
    pub(crate) fn called(&mut self) {
        self.is_probing = self.open_until_ns.is_some();
    }

    /// The judge answered, whatever its answer was worth.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It was too busy, which is no failure; but a probe ends with that.
    pub(crate) fn busy(&mut self, now_ns: u64) {
        if core::mem::take(&mut self.is_probing) {
            self.open_until_ns = Some(now_ns.saturating_add(OPEN_NS));
        }
    }

    /// It did not.
    pub(crate) fn failed(&mut self, now_ns: u64) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES_MAX {
            self.open_until_ns = Some(now_ns.saturating_add(OPEN_NS));
        }
        self.is_probing = false;
    }
}

#[cfg(test)]
mod tests;
