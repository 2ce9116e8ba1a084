//! The judge's settings, which [`config`](crate::config) compiles.

use super::rubric::Criterion;
use super::sample::{self, Facts, Sample, SampleRule};
use crate::judge::capture::ContextSource;
use crate::limits;

/// How sampled exchanges are judged.
#[derive(Debug)]
pub struct JudgePlan {
    /// The judges; at least one.
    pub(crate) judges: Vec<Judge>,
    /// Whether the first two judges both score each exchange.
    pub(crate) is_panel: bool,
    /// The number of hash values that are sampled if no rule matches.
    pub(crate) threshold: u64,
    pub(crate) rules: Vec<SampleRule>,
    pub(crate) criteria: Vec<Criterion>,
    /// Whether a verdict says if the answer is hallucinated.
    pub(crate) asks_hallucination: bool,
    /// The parts of the request that are context.
    pub(crate) sources: Vec<ContextSource>,
    pub(crate) timeout_ms: u64,
    pub(crate) in_flight_max: usize,
    pub(crate) queue_max: usize,
    /// The bound on the characters of one exchange.
    pub(crate) chars_max: usize,
    pub(crate) limits: BudgetLimits,
}

/// One judge.
pub(crate) struct Judge {
    pub(crate) cluster: String,
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) model: String,
    pub(crate) provider: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) weight: u64,
}

/// Writes the cluster only, since the headers may hold secrets.
impl core::fmt::Debug for Judge {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.cluster)
    }
}

/// The limits of the budget over all workers. [`u64::MAX`] means no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetLimits {
    /// The number of calls per minute.
    pub calls_per_minute: u64,
    /// The number of tokens per hour.
    pub tokens_per_hour: u64,
    /// The cost in nanodollars per hour.
    pub nanodollars_per_hour: u64,
}

impl JudgePlan {
    /// Returns the parts of the request that are context.
    pub fn sources(&self) -> &[ContextSource] {
        &self.sources
    }

    /// Returns the bound on the characters of one exchange.
    pub fn chars_max(&self) -> usize {
        self.chars_max
    }

    /// Returns the criteria that are scored.
    pub fn criteria(&self) -> &[Criterion] {
        &self.criteria
    }

    /// Returns the limits of the budget.
    pub fn limits(&self) -> &BudgetLimits {
        &self.limits
    }

    /// Returns the number of bytes of a judge's answer to read: one more than the bound, to recognise longer answers.
    pub fn reply_bytes(&self) -> usize {
        limits::JUDGE_REPLY_BYTES_MAX.saturating_add(1)
    }

    /// Samples an exchange at its request head. While the model is unknown, the exchange is sampled if it would be
    /// with any model.
    ///
    /// `None` if no later fact can make it sampled.
    pub fn sample(&self, trace: &[u8; 16], facts: &Facts<'_>) -> Option<Sample> {
        Some(Sample::of(trace)).filter(|sample| facts.is_answer() && self.is_sampled(*sample, facts))
    }

    /// Returns whether an exchange is sampled, at its end, when the model is known.
    pub fn is_sampled(&self, sample: Sample, facts: &Facts<'_>) -> bool {
        sample.is_below(sample::threshold(&self.rules, self.threshold, facts))
    }
}

#[cfg(test)]
mod tests;
