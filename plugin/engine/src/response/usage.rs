//! The token counts of a response.

use crate::formats::Format;
use crate::usage::{Count, Usage};

/// The token counts that a response has reported so far.
#[derive(Debug, Default)]
pub(super) struct ReportedUsage {
    /// The counts that the model reported.
    usage: Usage,
    /// The counts that the platform in front of the model reported.
    metered: Usage,
    /// Whether the output count is that of the stream's beginning.
    is_first_output: bool,
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
