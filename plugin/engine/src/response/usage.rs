//! The token counts of a response.

use crate::formats::Format;
use crate::usage::{Count, Usage};

/// The token counts that a response has reported so far.
#[derive(Debug, Default)]
pub(super) struct ReportedUsage {
    /// By the model.
    usage: Usage,
    /// By the platform in front of the model.
    metered: Usage,
    /// Whether the output count is of the stream's beginning.
    is_first_output: bool,
}

impl ReportedUsage {
    /// Sets a count in the usage of one document.
    pub(super) fn set(&mut self, of_document: &mut Usage, count: Count, tokens: Option<u64>) {
        if let Some(tokens) = tokens {
            of_document.set(count, tokens);
            self.is_first_output &= count != Count::Output;
        }
    }

    /// Sets a count that says nothing about the end.
    pub(super) fn set_first(&mut self, of_document: &mut Usage, count: Count, tokens: Option<u64>) {
        if let Some(tokens) = tokens {
            of_document.set(count, tokens);
            self.is_first_output |= count == Count::Output;
        }
    }

    /// Sets a count of the platform in front of the model.
    pub(super) fn set_metered(&mut self, count: Count, tokens: Option<u64>) {
        if let Some(tokens) = tokens {
            self.metered.set(count, tokens);
        }
    }

    /// Takes over the usage of a document.
    pub(super) fn merge(&mut self, of_document: &Usage, format: &Format) {
        if !of_document.is_empty() {
            self.usage.merge(of_document, format.merge);
        }
    }

    /// Returns whether the model has reported no count.
    pub(super) fn is_empty(&self) -> bool {
        self.usage.is_empty()
    }

    /// Returns whether the output count is of the stream's beginning.
    pub(super) fn is_first_output(&self) -> bool {
        self.is_first_output
    }

    /// Returns the counts that stand: the model's, or if it has none the platform's.
    pub(super) fn standing(&self) -> Usage {
        if self.usage.is_empty() { self.metered } else { self.usage }
    }
}

/// Adds to a count.
pub(super) fn add(of_document: &mut Usage, count: Count, tokens: Option<u64>) {
    if let Some(tokens) = tokens {
        of_document.set(count, of_document.get(count).unwrap_or(0).saturating_add(tokens));
    }
}

/// Sets a count unless the document already has it.
pub(super) fn set_else(of_document: &mut Usage, count: Count, tokens: Option<u64>) {
    if let (Some(tokens), None) = (tokens, of_document.get(count)) {
        of_document.set(count, tokens);
    }
}
