//! The circuit breaker of a judge: a judge that fails repeatedly is not called for a while.

/// The number of consecutive failures that open the breaker.
const FAILURES_MAX: u32 = 5;

/// The time for which the breaker stays open, in nanoseconds.
const OPEN_NS: u64 = 30_000_000_000;

/// The circuit breaker of one judge.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    open_until_ns: Option<u64>,
    is_probing: bool,
}

impl Breaker {
    /// Returns whether a call may be made now. After the pause one call probes the judge, and its result decides.
    pub(crate) fn allows(&self, now_ns: u64) -> bool {
        self.open_until_ns.is_none_or(|until_ns| until_ns <= now_ns && !self.is_probing)
    }

    /// Records a call.
    pub(crate) fn record_call(&mut self) {
        self.is_probing = self.open_until_ns.is_some();
    }

    /// Records an answer, whatever its verdict: it closes the breaker.
    pub(crate) fn record_success(&mut self) {
        *self = Self::default();
    }

    /// Records that the judge was too busy. That is not a failure, but it ends a probe.
    pub(crate) fn record_busy(&mut self, now_ns: u64) {
        if core::mem::take(&mut self.is_probing) {
            self.open_until_ns = Some(now_ns.saturating_add(OPEN_NS));
        }
    }

    /// Records a failure.
    pub(crate) fn record_failure(&mut self, now_ns: u64) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES_MAX {
            self.open_until_ns = Some(now_ns.saturating_add(OPEN_NS));
        }
        self.is_probing = false;
    }
}

#[cfg(test)]
mod tests;
