//! Which label values get a series of their own. Envoy never frees a stat, and clients choose models: without a
//! bound here anybody could fill the proxy's memory. Stats are the proxy's and not a worker's, so its workers agree
//! on the values through a [`SeriesRegistry`].

use core::cell::RefCell;
use core::fmt::Debug;
use std::collections::{BTreeMap, BTreeSet};

use crate::config::Policy;
use crate::metrics::label_value;
use crate::price::UNITS_PER_NANODOLLAR;

/// The label value of everything that has no series of its own.
pub const OTHER: &str = "other";

/// Where the workers of one proxy agree on which label values have a series of their own.
pub trait SeriesRegistry: Debug {
    /// Returns whether a value has a series of its own: another worker has admitted it, or fewer than `values_max`
    /// values of its label are admitted and this one now is.
    fn admit(&self, label: &str, value: &str, values_max: usize) -> bool;
}

/// The registry of a worker that shares nothing with others.
#[derive(Debug, Default)]
pub struct LocalRegistry {
    /// How many values of each label are admitted.
    counts: RefCell<BTreeMap<String, usize>>,
}

impl SeriesRegistry for LocalRegistry {
    fn admit(&self, label: &str, _value: &str, values_max: usize) -> bool {
        let mut counts = self.counts.borrow_mut();
        let count = counts.entry(label.to_owned()).or_default();
        let has_room = *count < values_max;
        if has_room {
            *count = count.saturating_add(1);
        }
        has_room
    }
}

/// The values admitted so far; one per VM, shared by its exchanges.
#[derive(Debug)]
pub struct Series {
    registry: Box<dyn SeriesRegistry>,
    /// The values that this worker has seen admitted: the registry is asked for others only.
    models: BTreeSet<String>,
    models_max: usize,
    /// Models that have their series by configuration.
    known: usize,
    /// By number of the label.
    labels: Vec<BTreeSet<String>>,
    overflows: BTreeMap<String, u64>,
    /// By stat: units of cost that do not make a whole nanodollar yet. As many as there are series of cost.
    carried: BTreeMap<String, u64>,
}

impl Series {
    /// The table of a policy, with its known models in it, for one worker alone.
    pub fn new(policy: &Policy) -> Self {
        Self::within(policy, Box::new(LocalRegistry::default()))
    }

    /// The table of a policy, with its known models in it, whose other values are admitted by `registry`.
    pub fn within(policy: &Policy, registry: Box<dyn SeriesRegistry>) -> Self {
        Self {
            registry,
            known: policy.models().known.len(),
            models: policy.models().known.iter().map(|model| label_value(model)).collect(),
            models_max: policy.models().max_series.max(policy.models().known.len()),
            labels: policy.labels().iter().map(|_| BTreeSet::new()).collect(),
            overflows: BTreeMap::new(),
            carried: BTreeMap::new(),
        }
    }

    /// The label value for a model. A new name is let in by an exchange that succeeded, or while less than half
    /// of the table is used: so a client that makes up names cannot crowd out real ones.
    pub fn model(&mut self, model: Option<&str>, succeeded: bool) -> String {
        let Some(model) = model.filter(|model| !model.is_empty()) else {
            return label_value("");
        };
        let model = label_value(model);
        if self.models.contains(&model) {
            return model;
        }
        let models_max = if succeeded { self.models_max } else { self.models_max.div_ceil(2) };
        if !self.registry.admit("model", &model, models_max.saturating_sub(self.known)) {
            self.overflow("models");
            return OTHER.to_owned();
        }
        self.models.insert(model.clone());
        model
    }

    /// The values of the extra labels: each label lets in its first values and folds the others.
    pub fn labels(&mut self, policy: &Policy, values: &[String]) -> Vec<String> {
        let mut folded = Vec::with_capacity(values.len());
        for (number, (label, value)) in policy.labels().iter().zip(values).enumerate() {
            let Some(admitted) = self.labels.get_mut(number) else {
                continue;
            };
            if admitted.contains(value) || self.registry.admit(&label.name, value, label.max_values) {
                admitted.insert(value.clone());
                folded.push(value.clone());
            } else {
                self.overflow(&label.name);
                folded.push(OTHER.to_owned());
            }
        }
        folded
    }

    /// What was folded since the last call: the limit's name and how often.
    pub fn take_overflows(&mut self) -> BTreeMap<String, u64> {
        core::mem::take(&mut self.overflows)
    }

    /// The nanodollars that a stat grows by when `units` of cost come to it. What is left over waits for the next
    /// ones: the stat is the floor of the exact sum, however many exchanges make it up.
    pub fn nanodollars(&mut self, stat: &str, units: u128) -> u64 {
        let carried = self.carried.get(stat).copied().unwrap_or(0);
        let sum = units.saturating_add(u128::from(carried));
        let whole = sum.checked_div(UNITS_PER_NANODOLLAR).unwrap_or(0);
        let rest = sum.saturating_sub(whole.saturating_mul(UNITS_PER_NANODOLLAR));
        let rest = u64::try_from(rest).unwrap_or(0);
        match self.carried.get_mut(stat) {
            Some(carried) => *carried = rest,
            None if rest > 0 => drop(self.carried.insert(stat.to_owned(), rest)),
            None => {}
        }
        u64::try_from(whole).unwrap_or(u64::MAX)
    }

    fn overflow(&mut self, limit: &str) {
        let count = self.overflows.entry(limit.to_owned()).or_default();
        *count = count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests;
