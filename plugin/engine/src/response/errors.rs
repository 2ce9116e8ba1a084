//! The error that a response reports.

use super::event::Value;
use crate::record::Word;

/// What has been read of an error.
#[derive(Debug, Default)]
pub(super) struct ReportedError {
    /// Whether the body reports an error at all.
    pub(super) is_told: bool,
    /// The provider's class of the error.
    pub(super) error_type: Option<Word>,
    /// The provider's code of the error.
    pub(super) error_code: Option<Word>,
}

impl ReportedError {
    /// Takes over the class of the error; the last one counts.
    pub(super) fn set_type(&mut self, value: Value<'_>) {
        self.error_type = value.word().or(self.error_type.take());
    }

    /// Takes over the code of the error; the last one counts.
    pub(super) fn set_code(&mut self, value: Value<'_>) {
        self.error_code = value.word().or(self.error_code.take());
    }

    /// Takes over the class that the head names: `ValidationException:http://internal...`
    pub(super) fn set_type_of_head(&mut self, text: &str) {
        let name = text.split(':').next().unwrap_or(text);
        self.error_type = Some(Word::Text(name.to_owned()));
    }

    /// Takes over an exception of the framing.
    pub(super) fn set_exception(&mut self, kind: &[u8]) {
        self.is_told = true;
        self.error_type = Some(Word::Text(String::from_utf8_lossy(kind).into_owned()));
    }
}
