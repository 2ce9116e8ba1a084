//! The items whose texts wait for their redaction.
//!
//! It runs in the root context, after the answer has left, and in slices: an item that needs many steps is continued in
//! a later turn. What needs too many is left out of its message, which says so; no text leaves unredacted.

use std::cell::Cell;
use std::collections::VecDeque;

use crate::judge::Evaluation;
use crate::limits::{REDACTION_SLICE_STEPS, REDACTION_STEPS_MAX};
use crate::telemetry::otlp::{RawContent, Span};
use crate::telemetry::redact::{OverBudget, RedactionJob, Redactor};

/// An item with its texts.
#[derive(Debug)]
pub(super) enum RawItem {
    /// A span, whose content has been taken out of it.
    Span(Box<Span>, RawContent),
    /// A score and its reason.
    Event(Box<Evaluation>, String),
}

/// An item whose texts are redacted, or were left out.
#[derive(Debug)]
pub(super) struct RedactedItem {
    pub(super) item: RawItem,
    /// Whether the texts are redacted. Otherwise they must not leave.
    pub(super) is_redacted: bool,
    /// The wall clock at the end of the exchange, or at the score.
    pub(super) wall_ns: u64,
    /// The memory of the raw texts.
    pub(super) bytes: usize,
}

#[derive(Debug)]
struct WaitingItem {
    redacted: RedactedItem,
    /// The text that is being redacted, by its place.
    job: Option<(usize, RedactionJob)>,
    steps_left: u64,
}

/// The items that wait, in their order.
#[derive(Debug, Default)]
pub(super) struct RedactionQueue {
    waiting: VecDeque<WaitingItem>,
    /// Whether this turn has had its slice.
    has_run: Cell<bool>,
}

impl RawItem {
    fn texts(&mut self) -> &mut [String] {
        match self {
            Self::Span(_, content) => &mut content.texts,
            Self::Event(_, reason) => core::slice::from_mut(reason),
        }
    }

    /// Returns the bytes of the texts.
    pub(super) fn text_bytes(&mut self) -> usize {
        self.texts().iter().fold(0, |sum, text| sum.saturating_add(text.len()))
    }
}

impl RedactionQueue {
    /// Appends an item, whose texts take this much memory.
    pub(super) fn push(&mut self, item: RawItem, wall_ns: u64, bytes: usize) {
        let redacted = RedactedItem { item, is_redacted: true, wall_ns, bytes };
        self.waiting.push_back(WaitingItem { redacted, job: None, steps_left: REDACTION_STEPS_MAX });
    }

    /// Returns the items that one slice finishes. Each turn has one slice.
    pub(super) fn run(&mut self, redactor: &Redactor) -> Vec<RedactedItem> {
        let mut done = Vec::new();
        if self.waiting.is_empty() || self.has_run.replace(true) {
            return done;
        }
        let mut slice = REDACTION_SLICE_STEPS;
        while let Some(first) = self.waiting.front_mut() {
            if !first.run(redactor, &mut slice) {
                break;
            }
            done.extend(self.waiting.pop_front().map(|waiting| waiting.redacted));
        }
        done
    }

    /// Ends the turn.
    pub(super) fn end_turn(&self) {
        self.has_run.set(false);
    }

    /// Returns whether no item waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Removes and returns all items.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = RedactedItem> {
        self.waiting.drain(..).map(|waiting| waiting.redacted)
    }
}

impl WaitingItem {
    /// Redacts the texts, one after the other. Returns whether all are done, or left out.
    fn run(&mut self, redactor: &Redactor, slice: &mut u64) -> bool {
        let texts = self.redacted.item.texts();
        loop {
            let (place, mut job) = match self.job.take() {
                Some(job) => job,
                None => (0, RedactionJob::new(texts.first_mut().map(core::mem::take).unwrap_or_default())),
            };
            let outcome = job.run(redactor, slice, &mut self.steps_left);
            let text = match outcome {
                None => {
                    self.job = Some((place, job));
                    return false;
                }
                Some(Err(OverBudget)) => {
                    texts.iter_mut().for_each(String::clear);
                    self.redacted.is_redacted = false;
                    return true;
                }
                Some(Ok(text)) => text,
            };
            if let Some(done) = texts.get_mut(place) {
                *done = text;
            }
            let next = place.saturating_add(1);
            let Some(following) = texts.get_mut(next) else {
                return true;
            };
            self.job = Some((next, RedactionJob::new(core::mem::take(following))));
        }
    }
}
