//! The values of the one document that is being read.

use llm_gauge_decode::{Buffer, MemoryBudget, Reservation};

use crate::formats::{Modalities, ResponseField, ResponseRule};
use crate::limits::{DOCUMENT_TEXT_BYTES_MAX, VALUES_PER_DOCUMENT_MAX};
use crate::record::Word;
use crate::scan::{At, Scalar};
use crate::usage::Count;

/// The values of a document in their order, in buffers that the next document uses again.
#[derive(Debug)]
pub(super) struct PendingEvent {
    found: Vec<Found>,
    found_memory: Reservation,
    text: Buffer,
    /// What the document says it is.
    kind: String,
    signs: Signs,
    /// Where visible text is that a value beside it may still hide.
    beside: Option<At>,
    /// Where text is hidden.
    hidden: Option<At>,
    is_overfull: bool,
    is_out_of_memory: bool,
}

/// What a document says by having something, whatever its value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signs {
    pub(super) items: u32,
    pub(super) tool_calls: u32,
    pub(super) whole_tool_calls: u32,
    pub(super) text: bool,
    pub(super) generated: bool,
    pub(super) refusal: bool,
    pub(super) error: bool,
    pub(super) last: bool,
}

/// A kept value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    /// Something is there.
    Seen,
    /// A whole number.
    Number(i64),
    /// A string.
    Text(&'a str),
}

impl Value<'_> {
    /// Returns the value as a token count or an ordinal.
    pub(super) fn count(self) -> Option<u64> {
        match self {
            Self::Number(number) => u64::try_from(number).ok(),
            Self::Seen | Self::Text(_) => None,
        }
    }

    /// Returns the value as a string.
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.to_owned()),
            Self::Seen | Self::Number(_) => None,
        }
    }

    /// Returns the value as the provider's word.
    pub(super) fn word(self) -> Option<Word> {
        match self {
            Self::Seen => None,
            Self::Number(number) => Some(Word::Number(number)),
            Self::Text(text) => Some(Word::Text(text.to_owned())),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Found {
    field: ResponseField,
    /// The kind of document in which the value counts; `None` if in all.
    kind: Option<&'static str>,
    /// The ordinal in the outermost array.
    outer: u32,
    value: StoredValue,
}

#[derive(Clone, Copy, Debug)]
enum StoredValue {
    Seen,
    Number(i64),
    /// The bytes of [`PendingEvent::text`] from `from`, which `to` is behind.
    Text {
        from: usize,
        to: usize,
    },
    /// What a [`ResponseField::Modality`] names.
    Modality(Count),
}

impl PendingEvent {
    /// The state before anything is kept.
    pub(super) fn new(memory: &MemoryBudget) -> Self {
        Self {
            found: Vec::new(),
            found_memory: memory.reservation(),
            text: memory.buffer(),
            kind: String::new(),
            signs: Signs::default(),
            beside: None,
            hidden: None,
            is_overfull: false,
            is_out_of_memory: false,
        }
    }

    /// Returns the kept values: what each is, its ordinal in the outermost array, and the value.
    pub(super) fn values(&self) -> impl Iterator<Item = (ResponseField, u32, Value<'_>)> {
        let counts = |found: &&Found| found.kind.is_none_or(|kind| kind == self.kind);
        self.found.iter().filter(counts).map(|found| {
            let value = match found.value {
                StoredValue::Seen | StoredValue::Modality(_) => Value::Seen,
                StoredValue::Number(number) => Value::Number(number),
                StoredValue::Text { from, to } => {
                    let text = self.text.bytes().get(from..to).unwrap_or_default();
                    Value::Text(core::str::from_utf8(text).unwrap_or_default())
                }
            };
            (found.field, found.outer, value)
        })
    }

    /// Returns which of `modalities` the element at `ordinal` is about.
    pub(super) fn modality(&self, modalities: Modalities, ordinal: u32) -> Option<Count> {
        let about = self.found.iter().filter(|found| found.outer == ordinal);
        let mut counts = about.filter_map(|found| match found.value {
            StoredValue::Modality(count) => Some(count),
            StoredValue::Seen | StoredValue::Number(_) | StoredValue::Text { .. } => None,
        });
        counts.find(|count| modalities.iter().any(|(_, known)| known == count))
    }

    /// Returns what the document says it is.
    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the number that the choice at `ordinal` says it has.
    pub(super) fn choice_number(&self, ordinal: u32) -> Option<u32> {
        let mut numbers = self.values().filter_map(|(field, outer, value)| {
            let is_number = field == ResponseField::ChoiceIndex && outer == ordinal;
            value.count().filter(|_| is_number)
        });
        numbers.next().and_then(|number| u32::try_from(number).ok())
    }

    /// Returns what the document has.
    pub(super) fn signs(&self) -> Signs {
        let mut signs = self.signs;
        signs.text |= self.beside.is_some();
        let counts = |found: &&Found| found.kind.is_some_and(|kind| kind == self.kind);
        for found in self.found.iter().filter(counts) {
            signs.add(found.field);
        }
        signs
    }

    /// Takes over what the document says it is.
    pub(super) fn set_kind(&mut self, value: Scalar<'_>) {
        if let Scalar::Text { start, .. } = value {
            self.kind.clear();
            self.kind.push_str(&String::from_utf8_lossy(start));
        }
    }

    /// Returns whether a bound dropped a value.
    pub(super) fn is_overfull(&self) -> bool {
        self.is_overfull
    }

    /// Returns whether the memory budget refused a value.
    pub(super) fn is_out_of_memory(&self) -> bool {
        self.is_out_of_memory
    }

    /// Forgets the document.
    pub(super) fn clear(&mut self) {
        self.found.clear();
        self.text.clear();
        self.kind.clear();
        self.signs = Signs::default();
        self.beside = None;
        self.hidden = None;
        self.is_overfull = false;
        self.is_out_of_memory = false;
    }

    /// Takes a container at the place of `rule`.
    pub(super) fn open(&mut self, rule: &ResponseRule, at: At) {
        if rule.takes_containers() {
            self.sign(rule, at);
        }
    }

    /// Takes a scalar at the place of `rule`.
    pub(super) fn scalar(&mut self, rule: &ResponseRule, at: At, value: Scalar<'_>) {
        match rule.field {
            // What flows has counted already, and says nothing by being there.
            ResponseField::Whole | ResponseField::WholeAside => {}
            ResponseField::Text
            | ResponseField::Hidden
            | ResponseField::Generated
            | ResponseField::Refusal
            | ResponseField::Repeated
            | ResponseField::Item
            | ResponseField::ToolCall
            | ResponseField::WholeToolCall
            | ResponseField::Error
            | ResponseField::Last => {
                if passes(rule, value) {
                    self.sign(rule, at);
                }
            }
            // The key alone is what only this provider sends.
            ResponseField::Speaker(_) => {
                if rule.only.is_none() || passes(rule, value) {
                    self.sign(rule, at);
                }
            }
            ResponseField::Modality(modalities) => self.keep_modality(rule, at, modalities, value),
            ResponseField::Id
            | ResponseField::Model
            | ResponseField::Usage(_)
            | ResponseField::FirstUsage(_)
            | ResponseField::Metered(_)
            | ResponseField::UsageSum(_)
            | ResponseField::UsageElse(_)
            | ResponseField::UsageOf(_)
            | ResponseField::Choice
            | ResponseField::ChoiceIndex
            | ResponseField::Finish
            | ResponseField::FinishDetail
            | ResponseField::Blocked
            | ResponseField::ErrorType
            | ResponseField::ErrorCode => {
                if rule.only.is_none() || passes(rule, value) {
                    self.keep_value(rule, at, value);
                }
            }
        }
    }

    fn keep_value(&mut self, rule: &ResponseRule, at: At, value: Scalar<'_>) {
        match value {
            Scalar::Null | Scalar::Bool(_) => {}
            Scalar::Number(digits) => {
                if let Some(number) = whole(digits) {
                    self.keep(rule, at, StoredValue::Number(number));
                }
            }
            Scalar::Text { start, .. } => self.keep_text(rule, at, start),
        }
    }

    fn keep_modality(&mut self, rule: &ResponseRule, at: At, modalities: Modalities, value: Scalar<'_>) {
        let Scalar::Text { start, .. } = value else {
            return;
        };
        let mut words = modalities.iter();
        if let Some((_, count)) = words.find(|(word, _)| start.eq_ignore_ascii_case(word.as_bytes())) {
            self.keep(rule, at, StoredValue::Modality(*count));
        }
    }

    fn keep_text(&mut self, rule: &ResponseRule, at: At, start: &[u8]) {
        let from = self.text.len();
        if from.saturating_add(start.len()) > DOCUMENT_TEXT_BYTES_MAX {
            self.is_overfull = true;
            return;
        }
        if self.text.extend(String::from_utf8_lossy(start).as_bytes()).is_err() {
            self.is_out_of_memory = true;
            return;
        }
        let to = self.text.len();
        self.keep(rule, at, StoredValue::Text { from, to });
    }

    fn keep(&mut self, rule: &ResponseRule, at: At, value: StoredValue) {
        if self.found.len() >= VALUES_PER_DOCUMENT_MAX {
            self.is_overfull = true;
            return;
        }
        if self.found_memory.make_room(&mut self.found, 1).is_err() {
            self.is_out_of_memory = true;
            return;
        }
        self.found.push(Found { field: rule.field, kind: rule.kind, outer: at.outer, value });
    }

    /// Notes that there is something at the place of `rule`.
    fn sign(&mut self, rule: &ResponseRule, at: At) {
        match rule.field {
            // Whether it counts is known only when the whole document is.
            _ if rule.kind.is_some() => self.keep(rule, at, StoredValue::Seen),
            ResponseField::Choice | ResponseField::Speaker(_) => self.keep(rule, at, StoredValue::Seen),
            ResponseField::Text if self.hidden == Some(at) => self.signs.generated = true,
            ResponseField::Text => {
                self.signs.text |= self.beside.is_some_and(|beside| beside != at);
                self.beside = Some(at);
            }
            ResponseField::Hidden => {
                self.hidden = Some(at);
                if self.beside == Some(at) {
                    self.beside = None;
                    self.signs.generated = true;
                }
            }
            field => self.signs.add(field),
        }
    }
}

impl Signs {
    fn add(&mut self, field: ResponseField) {
        match field {
            ResponseField::Item => self.items = self.items.saturating_add(1),
            ResponseField::ToolCall => self.tool_calls = self.tool_calls.saturating_add(1),
            ResponseField::WholeToolCall => self.whole_tool_calls = self.whole_tool_calls.saturating_add(1),
            ResponseField::Text => self.text = true,
            ResponseField::Generated | ResponseField::Repeated => self.generated = true,
            ResponseField::Refusal => (self.generated, self.refusal) = (true, true),
            ResponseField::Error => self.error = true,
            ResponseField::Last => self.last = true,
            // Their values count, and not that they are there.
            ResponseField::Id
            | ResponseField::Model
            | ResponseField::Speaker(_)
            | ResponseField::Usage(_)
            | ResponseField::FirstUsage(_)
            | ResponseField::Metered(_)
            | ResponseField::UsageSum(_)
            | ResponseField::UsageElse(_)
            | ResponseField::UsageOf(_)
            | ResponseField::Modality(_)
            | ResponseField::Choice
            | ResponseField::ChoiceIndex
            | ResponseField::Finish
            | ResponseField::FinishDetail
            | ResponseField::Blocked
            | ResponseField::Hidden
            | ResponseField::Whole
            | ResponseField::WholeAside
            | ResponseField::ErrorType
            | ResponseField::ErrorCode => {}
        }
    }
}

/// Returns whether there is a value, and if the rule asks for one value, whether it is that one.
fn passes(rule: &ResponseRule, value: Scalar<'_>) -> bool {
    match (value, rule.only) {
        (Scalar::Null | Scalar::Bool(false), None) => false,
        (Scalar::Bool(true) | Scalar::Number(_), None) => true,
        (Scalar::Text { empty, .. }, None) => !empty,
        (Scalar::Text { start, .. }, Some(only)) => start == only.as_bytes(),
        (Scalar::Number(digits), Some(only)) => digits == only,
        (Scalar::Bool(value), Some(only)) => only == if value { "true" } else { "false" },
        (Scalar::Null, Some(only)) => only == "null",
    }
}

/// Returns a whole number, also if it is written as `12.0` or `1.2e1`.
fn whole(digits: &str) -> Option<i64> {
    if let Ok(number) = digits.parse() {
        return Some(number);
    }
    let number: f64 = digits.parse().ok()?;
    // Beyond 2^53 a float cannot tell neighbours apart.
    let is_whole = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and in range, checked above")]
    is_whole.then_some(number as i64)
}
