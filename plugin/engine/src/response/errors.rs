//! The error that a response reports.

use super::event::EventValue;
use crate::record::Word;

/// The error values that have been read.
#[derive(Debug, Default)]
pub(super) struct ReportedError {
    /// Whether the body reports an error.
    pub(super) is_reported: bool,
    /// The provider's class of the error. `None` if it names none.
    pub(super) error_type: Option<Word>,
    /// The provider's code of the error. `None` if it names none.
    pub(super) error_code: Option<Word>,
}

impl ReportedError {
    /// Sets the class of the error. The last one counts.
    pub(super) fn set_type(&mut self, value: EventValue<'_>) {
        self.error_type = value.word().or(self.error_type.take());
    }

    /// Sets the code of the error. The last one counts.
    pub(super) fn set_code(&mut self, value: EventValue<'_>) {
        self.error_code = value.word().or(self.error_code.take());
    }

    /// Sets the class that a header names, as in `ValidationException:http://internal...`.
    pub(super) fn set_type_of_head(&mut self, text: &str) {
        let name = text.split(':').next().unwrap_or(text);
        self.error_type = Some(Word::Text(name.to_owned()));
    }

    /// Records an exception message of the AWS framing.
    pub(super) fn set_exception(&mut self, kind: &[u8]) {
        self.is_reported = true;
        self.error_type = Some(Word::Text(String::from_utf8_lossy(kind).into_owned()));
    }
}
