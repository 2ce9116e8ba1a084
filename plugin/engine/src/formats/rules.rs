//! A rule of a row: a place in a document, and its meaning.

use core::fmt::Debug;

use super::fields::{RequestField, ResponseField};

/// A place in a document, and its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule<F> {
    /// The place, in the notation of [`Paths`](crate::scan::Paths).
    pub path: &'static str,
    /// The meaning of the place.
    pub field: F,
    /// The only value that counts. `None` if any value does.
    pub only: Option<&'static str>,
    /// The kind of document that the rule is for. Empty for documents that name no kind, `None` for all documents.
    pub kind: Option<&'static str>,
}

/// A rule for the body of a request.
pub type RequestRule = Rule<RequestField>;

/// A rule for the documents of a response's body.
pub type ResponseRule = Rule<ResponseField>;

impl<F: Copy> Rule<F> {
    /// Returns the rule that gives `path` the meaning `field`.
    pub const fn at(path: &'static str, field: F) -> Self {
        Self { path, field, only: None, kind: None }
    }
}

impl ResponseRule {
    /// Returns the rule that gives `path` the meaning `field` if its value is `only`.
    pub const fn only(path: &'static str, only: &'static str, field: ResponseField) -> Self {
        Self { path, field, only: Some(only), kind: None }
    }

    /// Restricts the rule to documents of one kind.
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

    /// Returns how many bytes of a string the rule needs: 0 if it only needs to know whether the string is empty.
    pub(super) fn text_bytes(&self) -> usize {
        match self.only {
            Some(only) => only.len().saturating_add(1),
            None => self.field.text_bytes(),
        }
    }
}

/// The properties of a field that the scanner needs.
pub trait Field: Copy + Debug + PartialEq + 'static {
    /// Returns the least depth of reading at which the field is read.
    fn read_depth(self) -> ReadDepth;

    /// Returns whether the field is text of the prompt or of the answer.
    fn is_text(self) -> bool;

    /// Returns whether all of a string is read.
    fn flows(self) -> bool;

    /// Returns how many bytes of a string the field needs.
    fn text_bytes(self) -> usize;

    /// Returns whether the field counts an object or array at its place.
    fn takes_containers(self) -> bool;
}

/// The depth to which an exchange is read. Each depth includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadDepth {
    /// The counts and words that the response reports.
    Counts,
    /// The amount of text too, from which tokens are estimated.
    Estimate,
    /// The texts too, with their roles.
    Texts,
}
