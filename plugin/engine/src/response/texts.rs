//! The amount of text that a response has generated.

use crate::estimate::AnswerTally;

/// The generated text of all events, including those that broke off.
#[derive(Debug, Default)]
pub(super) struct GeneratedText {
    /// The text of all deltas.
    deltas: AnswerTally,
    /// The text of the last document that had a whole answer.
    whole: AnswerTally,
    /// Whether the document of `whole` has ended.
    has_whole_ended: bool,
}

impl GeneratedText {
    /// Returns the estimate to which text is added: that of a whole answer, or that of the deltas.
    pub(super) fn open(&mut self, is_whole: bool) -> &mut AnswerTally {
        if !is_whole {
            return &mut self.deltas;
        }
        if core::mem::take(&mut self.has_whole_ended) {
            self.whole = AnswerTally::default();
        }
        &mut self.whole
    }

    /// Ends a text of a whole answer.
    pub(super) fn end_whole(&mut self) {
        self.whole.end();
    }

    /// Ends the current document.
    pub(super) fn end_document(&mut self) {
        self.has_whole_ended = true;
    }

    /// Returns the text of the answer. If a stream also repeats its whole answer, the text counts once.
    pub(super) fn answer(&self) -> AnswerTally {
        if self.deltas.is_empty() { self.whole } else { self.deltas }
    }
}
