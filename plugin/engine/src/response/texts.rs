//! How much text a response has generated.

use crate::estimate::AnswerTally;

/// All generated text that was seen, also that of events which broke off.
#[derive(Debug, Default)]
pub(super) struct GeneratedText {
    /// The text of all deltas.
    deltas: AnswerTally,
    /// The text of the last document that had a whole answer.
    whole: AnswerTally,
    /// Whether that document has ended.
    is_whole_over: bool,
}

impl GeneratedText {
    /// Returns where text is added to, which is of a whole answer or of a delta.
    pub(super) fn open(&mut self, is_whole: bool) -> &mut AnswerTally {
        if !is_whole {
            return &mut self.deltas;
        }
        if core::mem::take(&mut self.is_whole_over) {
            self.whole = AnswerTally::default();
        }
        &mut self.whole
    }

    /// Ends a text of a whole answer.
    pub(super) fn end_whole(&mut self) {
        self.whole.end();
    }

    /// Ends the document.
    pub(super) fn end_document(&mut self) {
        self.is_whole_over = true;
    }

    /// Returns the text of the answer. A stream that also repeats its whole answer has it once.
    pub(super) fn answer(&self) -> AnswerTally {
        if self.deltas.is_empty() { self.whole } else { self.deltas }
    }
}
