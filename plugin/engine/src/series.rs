//! Bounds the label values that have a series of their own.
//!
//! Envoy never frees a stat, and clients choose the model: without a bound a client could fill the proxy's memory.
//! Stats belong to the proxy, not to a worker, so the workers agree on the values through a [`SeriesRegistry`].

use core::cell::RefCell;
use core::fmt::Debug;
use std::collections::{BTreeMap, BTreeSet};

use crate::config::Policy;
use crate::metrics::label_value;
use crate::price::UNITS_PER_NANODOLLAR;

/// The label value of all values without a series of their own.
pub const OTHER: &str = "other";

/// The agreement between the workers of one proxy on the label values that have a series of their own.
pub trait SeriesRegistry: Debug {
    /// Returns whether a value has a series of its own. It has one if another worker has admitted it. Otherwise it is
    /// admitted now if fewer than `values_max` values of its label are.
    fn admit(&self, label: &str, value: &str, values_max: usize) -> bool;
}

/// The registry of a worker that shares nothing with others.
#[derive(Debug, Default)]
pub struct LocalRegistry {
    /// The number of admitted values of each label.
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

/// The values admitted so far, and the costs carried over; one per VM, shared by its exchanges.
#[derive(Debug)]
pub struct Series {
    registry: Box<dyn SeriesRegistry>,
    /// The values that this worker knows to be admitted. The registry is only asked about others.
    models: BTreeSet<String>,
    models_max: usize,
    /// The number of models that have a series by configuration.
    known: usize,
    /// The admitted values of each extra label, by the label's number.
    labels: Vec<BTreeSet<String>>,
    overflows: BTreeMap<String, u64>,
    /// The units of cost below a whole nanodollar, by stat. There are as many as there are series of cost.
    carried: BTreeMap<String, u64>,
}

impl Series {
    /// Returns the series of a policy and its known models, for a worker that shares nothing with others.
    pub fn new(policy: &Policy) -> Self {
        Self::with_registry(policy, Box::new(LocalRegistry::default()))
    }

    /// Returns the series of a policy and its known models. Other values are admitted by `registry`.
    pub fn with_registry(policy: &Policy, registry: Box<dyn SeriesRegistry>) -> Self {
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

    /// Returns the label value for a model.
    ///
    /// A new name is admitted if its exchange succeeded, or while less than half of the table is used. A client that
    /// invents names can therefore not displace real ones.
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

    /// Returns the values of the extra labels. Each label admits its first values and replaces the others by [`OTHER`].
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

    /// Returns the number of replaced values since the last call, by the name of the limit.
    pub fn take_overflows(&mut self) -> BTreeMap<String, u64> {
        core::mem::take(&mut self.overflows)
    }

    /// Returns the nanodollars to add to a stat for `units` of cost. The remainder is carried over to the next cost, so
    /// that the stat is the floor of the exact sum, however many exchanges it adds up.
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
