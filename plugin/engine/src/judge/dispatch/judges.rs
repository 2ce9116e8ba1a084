//! Which judge is queried: by weight, among those whose breakers allow it.

use crate::judge::{Breaker, Judge};

/// The breakers of a plan's judges, by their places in the plan.
#[derive(Debug)]
pub(super) struct Judges {
    breakers: Vec<Breaker>,
}

impl Judges {
    /// Returns the judges of a plan that has so many; all are available.
    pub(super) fn new(count: usize) -> Self {
        Self { breakers: (0..count).map(|_| Breaker::default()).collect() }
    }

    /// Returns whether the judge may be queried now.
    pub(super) fn is_available(&self, judge: usize, now_ns: u64) -> bool {
        self.breakers.get(judge).is_some_and(|breaker| breaker.allows(now_ns))
    }

    /// Returns the place of an available judge, chosen at random by weight. `None` if none is available.
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

    /// The judge is queried.
    pub(super) fn called(&mut self, judge: usize) {
        self.update(judge, Breaker::called);
    }

    /// The judge answered, whatever its verdict.
    pub(super) fn succeeded(&mut self, judge: usize) {
        self.update(judge, Breaker::succeeded);
    }

    /// The judge was too busy, which is no failure.
    pub(super) fn busy(&mut self, judge: usize, now_ns: u64) {
        self.update(judge, |breaker| breaker.busy(now_ns));
    }

    /// The judge failed.
    pub(super) fn failed(&mut self, judge: usize, now_ns: u64) {
        self.update(judge, |breaker| breaker.failed(now_ns));
    }

    fn update(&mut self, judge: usize, update: impl FnOnce(&mut Breaker)) {
        if let Some(breaker) = self.breakers.get_mut(judge) {
            update(breaker);
        }
    }
}
