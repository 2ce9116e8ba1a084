//! A rule of a row: a place in a document, and what it says.

use core::fmt::Debug;

use super::fields::{RequestField, ResponseField};

/// A wanted place in a document and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule<F> {
    /// The place, in the notation of [`Paths`](crate::scan::Paths).
    pub path: &'static str,
    /// What the place says.
    pub field: F,
    /// The one value that counts; `None` if any value does.
    pub only: Option<&'static str>,
    /// The kind of document that the rule is for, empty for documents that name no kind; `None` if it is for all.
    pub kind: Option<&'static str>,
}

/// A rule for the body of a request.
pub type RequestRule = Rule<RequestField>;

/// A rule for the documents of a response's body.
pub type ResponseRule = Rule<ResponseField>;

impl<F: Copy> Rule<F> {
    /// The rule that `path` says `field`.
    pub const fn at(path: &'static str, field: F) -> Self {
        Self { path, field, only: None, kind: None }
    }
}

impl ResponseRule {
    /// The rule that `path` says `field` if its value is `only`.
    pub const fn only(path: &'static str, only: &'static str, field: ResponseField) -> Self {
        Self { path, field, only: Some(only), kind: None }
    }

    /// The same rule for documents of one kind.
    pub const fn of(self, kind: &'static str) -> Self {
        Self { kind: Some(kind), ..self }
    }
}

impl<F: Field> Rule<F> {
    /// Returns whether the rule counts an object or array at its place, and not only a scalar.
    pub fn takes_containers(&self) -> bool {
        self.only.is_none() && self.field.takes_containers()
    }

    /// Returns whether all of a string is read.
    pub(super) fn flows(&self) -> bool {
        self.only.is_none() && self.field.flows()
    }

    /// Returns how many bytes of a string the rule needs; 0 if it only needs to know whether the string is empty.
    pub(super) fn text_bytes(&self) -> usize {
        match self.only {
            Some(only) => only.len().saturating_add(1),
            None => self.field.text_bytes(),
        }
    }
}

/// What the scanner has to know about a field.
pub trait Field: Copy + Debug + PartialEq + 'static {
    /// Returns the least that an exchange is read for if the field is to be looked at.
    fn wanted_for(self) -> Wanted;

    /// Returns whether the field is text that a model reads or writes.
    fn is_text(self) -> bool;

    /// Returns whether all of a string is read.
    fn flows(self) -> bool;

    /// Returns how many bytes of a string the field needs.
    fn text_bytes(self) -> usize;

    /// Returns whether the field counts an object or array at its place.
    fn takes_containers(self) -> bool;
}

/// What an exchange is read for; each purpose includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// What the response counts and reports.
    Counts,
    /// How many tokens its texts are.
    Estimate,
    /// The texts themselves, and their speakers.
    Texts,
}
