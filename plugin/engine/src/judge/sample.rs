//! Decides which exchanges are judged, by a hash of the trace id, so that every proxy of a fleet decides alike.

use crate::pattern::Pattern;

/// The facts of an exchange that sampling depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The value of `gen_ai.operation.name`.
    pub operation: &'a str,
    /// The request's path, with or without its query.
    pub path: &'a str,
    /// The requested model after the rename rules. `None` while it is unknown.
    pub model: Option<&'a str>,
    /// The values of the extra labels in their order.
    pub labels: &'a [String],
}

impl Facts<'_> {
    /// Returns whether the operation answers in words.
    pub fn is_answer(&self) -> bool {
        matches!(self.operation, "chat" | "text_completion" | "generate_content")
    }
}

/// The sampling hash of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample(u64);

impl Sample {
    /// Returns the hash of a trace id. Most trace ids are random, but some are sequential or contain a time. The
    /// finalizer of SplitMix64 makes each bit of the id change half of the bits of the hash.
    pub fn of(trace: &[u8; 16]) -> Self {
        let halves = trace.as_chunks::<8>().0.iter().map(|half| u64::from_be_bytes(*half));
        Self(halves.fold(0, |hash, half| mix(hash ^ half)))
    }

    /// Returns whether the hash is below the threshold. [`u64::MAX`] includes all hashes.
    pub(super) fn is_below(self, threshold: u64) -> bool {
        self.0 < threshold || threshold == u64::MAX
    }
}

fn mix(hash: u64) -> u64 {
    let hash = hash.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

/// A rule that gives some exchanges another sample rate.
#[derive(Debug)]
pub(crate) struct SampleRule {
    pub(crate) model: Option<Pattern>,
    pub(crate) operation: Option<Pattern>,
    pub(crate) path: Option<Pattern>,
    /// The patterns for extra labels, each with the index of its label.
    pub(crate) labels: Vec<(usize, Pattern)>,
    pub(crate) threshold: u64,
}

impl SampleRule {
    /// Returns whether the rule matches. `None` if that depends on the model, which is unknown.
    fn fits(&self, facts: &Facts<'_>) -> Option<bool> {
        let fits =
            |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.fits(text));
        let path = facts.path.split('?').next().unwrap_or(facts.path);
        let label = |(place, pattern): &(usize, Pattern)| {
            facts.labels.get(*place).is_some_and(|value| pattern.fits(value))
        };
        let others =
            fits(&self.operation, facts.operation) && fits(&self.path, path) && self.labels.iter().all(label);
        match (&self.model, facts.model) {
            _ if !others => Some(false),
            (Some(_), None) => None,
            (_, model) => Some(fits(&self.model, model.unwrap_or(""))),
        }
    }
}

/// Returns the threshold for an exchange. If the model is unknown, it is the largest that any model could have.
pub(super) fn threshold(rules: &[SampleRule], default: u64, facts: &Facts<'_>) -> u64 {
    let mut most = 0;
    for rule in rules {
        match rule.fits(facts) {
            Some(true) => return rule.threshold.max(most),
            Some(false) => {}
            None => most = rule.threshold.max(most),
        }
    }
    default.max(most)
}
