//! The token counts of a response.

use super::event::PendingEvent;
use crate::formats::{Format, ResponseField};
use crate::limits::OTHER_MODELS_MAX;
use crate::usage::{Count, Merge, Usage};

/// The token counts that a response has reported so far.
#[derive(Debug, Default)]
pub(super) struct ReportedUsage {
    /// The counts that the model reported.
    usage: Usage,
    /// The counts that the platform in front of the model reported.
    metered: Usage,
    /// Whether the output count is that of the stream's beginning.
    is_first_output: bool,
    /// The counts of iterations by other models.
    others: Vec<(String, Usage)>,
}

impl ReportedUsage {
    /// Sets a count in the usage of one document.
    pub(super) fn set(&mut self, document_usage: &mut Usage, count: Count, tokens: Option<u64>) {
        if let Some(tokens) = tokens {
            document_usage.set(count, tokens);
            self.is_first_output &= count != Count::Output;
        }
    }

    /// Sets a count of the stream's beginning, which is not the final one.
    pub(super) fn set_first(&mut self, document_usage: &mut Usage, count: Count, tokens: Option<u64>) {
        if let Some(tokens) = tokens {
            document_usage.set(count, tokens);
            self.is_first_output |= count == Count::Output;
        }
    }

    /// Sets a count of the platform in front of the model.
    pub(super) fn set_metered(&mut self, count: Count, tokens: Option<u64>) {
        if let Some(tokens) = tokens {
            self.metered.set(count, tokens);
        }
    }

    /// Merges the usage of a document by the format's rule.
    pub(super) fn merge(&mut self, document_usage: &Usage, format: &Format) {
        if !document_usage.is_empty() {
            self.usage.merge(document_usage, format.merge);
        }
    }

    /// Replaces the counts of a document by the sums of its iterations, if it has any. `model` is the answer's model.
    ///
    /// The document's own counts leave some iterations out, and all are billed. Iterations by other models are kept
    /// apart.
    pub(super) fn add_iterations(&mut self, event: &PendingEvent, usage: &mut Usage, model: Option<&str>) {
        let mut own = Usage::default();
        let mut others: Vec<(String, Usage)> = Vec::new();
        for (field, at, value) in event.values() {
            let (ResponseField::Iteration(count), tokens) = (field, value.count()) else {
                continue;
            };
            let other = event.iteration_model(at.outer).filter(|other| Some(*other) != model);
            match other {
                None => add_count(&mut own, count, tokens),
                Some(other) => {
                    if let Some((_, usage)) = others.iter_mut().find(|(known, _)| known == other) {
                        add_count(usage, count, tokens);
                    } else if others.len() < OTHER_MODELS_MAX {
                        let mut usage = Usage::default();
                        add_count(&mut usage, count, tokens);
                        others.push((other.to_owned(), usage));
                    }
                }
            }
        }
        if !own.is_empty() {
            usage.merge(&own, Merge::Fields);
            self.is_first_output &= own.get(Count::Output).is_none();
        }
        if !others.is_empty() {
            self.others = others;
        }
    }

    /// Removes and returns the counts of other models.
    pub(super) fn take_others(&mut self) -> Vec<(String, Usage)> {
        core::mem::take(&mut self.others)
    }

    /// Returns whether the model has reported no count.
    pub(super) fn is_empty(&self) -> bool {
        self.usage.is_empty()
    }

    /// Returns whether the output count is that of the stream's beginning.
    pub(super) fn is_first_output(&self) -> bool {
        self.is_first_output
    }

    /// Returns the counts of the model, or those of the platform if the model reported none.
    pub(super) fn effective(&self) -> Usage {
        if self.usage.is_empty() { self.metered } else { self.usage }
    }
}

/// Adds to a count of a document.
pub(super) fn add_count(document_usage: &mut Usage, count: Count, tokens: Option<u64>) {
    if let Some(tokens) = tokens {
        document_usage.set(count, document_usage.get(count).unwrap_or(0).saturating_add(tokens));
    }
}

/// Sets a count unless the document already has it.
pub(super) fn set_if_missing(document_usage: &mut Usage, count: Count, tokens: Option<u64>) {
    if let (Some(tokens), None) = (tokens, document_usage.get(count)) {
        document_usage.set(count, tokens);
    }
}
