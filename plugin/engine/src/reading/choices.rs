//! The choices of an answer.

use crate::limits::SCALAR_BYTES_MAX;
use crate::record::Word;

/// Memory of one choice: its place in a list that grows in powers of 2, and the word it ends with.
pub(super) const CHOICE_BYTES: usize = 2 * size_of::<Choice>() + SCALAR_BYTES_MAX;

/// One choice of an answer.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) number: u32,
    /// It is a choice, and not only the end of an answer that knows none.
    pub(super) is_told: bool,
    pub(super) finish: Option<Word>,
}

/// One choice of the document being applied.
#[derive(Debug, Default)]
pub(super) struct OpenChoice {
    /// Its place in the document's array.
    pub(super) ordinal: u32,
    /// Its number, if it has one.
    pub(super) number: Option<u64>,
    pub(super) finish: Option<Word>,
    pub(super) detail: Option<Word>,
    pub(super) is_told: bool,
}
