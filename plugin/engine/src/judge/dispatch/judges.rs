//! The choice of the judge to query: by weight, among those whose breakers allow it.

use crate::judge::{Breaker, Judge};

/// The breakers of a plan's judges, in the order of the plan.
#[derive(Debug)]
pub(super) struct Judges {
    breakers: Vec<Breaker>,
}

impl Judges {
    /// Returns the breakers of a plan with `count` judges, all of which are available.
    pub(super) fn new(count: usize) -> Self {
        Self { breakers: (0..count).map(|_| Breaker::default()).collect() }
    }

    /// Returns whether the judge may be queried now.
    pub(super) fn is_available(&self, judge: usize, now_ns: u64) -> bool {
        self.breakers.get(judge).is_some_and(|breaker| breaker.allows(now_ns))
    }

    /// Returns the index of an available judge, chosen at random by weight. `None` if none is available.
    pub(super) fn choose(&self, judges: &[Judge], random: [u8; 24], now_ns: u64) -> Option<usize> {
        let candidates = || (0..).zip(judges).filter(|(place, _)| self.is_available(*place, now_ns));
        let weights = candidates().map(|(_, judge)| judge.weight).fold(0, u64::saturating_add);
        let random = random.last_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let mut left = random.checked_rem(weights)?;
        for (place, judge) in candidates() {
            match left.checked_sub(judge.weight) {
                Some(rest) => left = rest,
                None => return Some(place),
            }
        }
        None
    }

    /// Records a call to the judge.
    pub(super) fn record_call(&mut self, judge: usize) {
        self.update(judge, Breaker::record_call);
    }

    /// Records an answer of the judge, whatever its verdict.
    pub(super) fn record_success(&mut self, judge: usize) {
        self.update(judge, Breaker::record_success);
    }

    /// Records that the judge was too busy, which is not a failure.
    pub(super) fn record_busy(&mut self, judge: usize, now_ns: u64) {
        self.update(judge, |breaker| breaker.record_busy(now_ns));
    }

    /// Records a failure of the judge.
    pub(super) fn record_failure(&mut self, judge: usize, now_ns: u64) {
        self.update(judge, |breaker| breaker.record_failure(now_ns));
    }

    fn update(&mut self, judge: usize, update: impl FnOnce(&mut Breaker)) {
        if let Some(breaker) = self.breakers.get_mut(judge) {
            update(breaker);
        }
    }
}
