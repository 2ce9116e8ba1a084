//! The values of the document that is being read.

use llm_gauge_decode::{Buffer, MemoryBudget, Reservation};

use super::scalars::{matches_rule, whole_number};
use crate::formats::{Modalities, ResponseField, ResponseRule};
use crate::limits::{DOCUMENT_TEXT_BYTES_MAX, VALUES_PER_DOCUMENT_MAX};
use crate::record::Word;
use crate::scan::{At, Scalar};
use crate::usage::Count;

/// The values of the current document in their order. The next document reuses the buffers.
#[derive(Debug)]
pub(super) struct PendingEvent {
    entries: Vec<EventEntry>,
    entries_memory: Reservation,
    text: Buffer,
    /// The kind that the document names. Empty if it names none.
    kind: String,
    presence: FieldPresence,
    /// The place of visible text that a value beside it may still hide. `None` if there is none.
    visible_at: Option<At>,
    /// The place of hidden text. `None` if there is none.
    hidden_at: Option<At>,
    is_overfull: bool,
    is_out_of_memory: bool,
}

/// The counts and flags of fields whose presence matters and not their value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FieldPresence {
    pub(super) items: u32,
    pub(super) tool_calls: u32,
    pub(super) whole_tool_calls: u32,
    pub(super) text: bool,
    pub(super) generated: bool,
    pub(super) refusal: bool,
    pub(super) error: bool,
    pub(super) last: bool,
    pub(super) pending: bool,
    /// Whether there are pieces of tool calls.
    pub(super) tool_pieces: bool,
}

/// A kept value.
#[derive(Clone, Copy, Debug)]
pub(super) enum EventValue<'a> {
    /// A value whose presence alone matters.
    Present,
    /// A whole number.
    Number(i64),
    /// A string.
    Text(&'a str),
}

impl EventValue<'_> {
    /// Returns the value as a token count or an ordinal.
    pub(super) fn count(self) -> Option<u64> {
        match self {
            Self::Number(number) => u64::try_from(number).ok(),
            Self::Present | Self::Text(_) => None,
        }
    }

    /// Returns the value as a string.
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.to_owned()),
            Self::Present | Self::Number(_) => None,
        }
    }

    /// Returns the value as the provider's word.
    pub(super) fn word(self) -> Option<Word> {
        match self {
            Self::Present => None,
            Self::Number(number) => Some(Word::Number(number)),
            Self::Text(text) => Some(Word::Text(text.to_owned())),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct EventEntry {
    field: ResponseField,
    /// The kind of document in which the value counts. `None` if it counts in all.
    kind: Option<&'static str>,
    /// The place in the arrays around it.
    at: At,
    value: StoredValue,
}

#[derive(Clone, Copy, Debug)]
enum StoredValue {
    Present,
    Number(i64),
    /// A range of bytes in [`PendingEvent::text`]; `to` is exclusive.
    Text {
        from: usize,
        to: usize,
    },
    /// The count that belongs to the word of a [`ResponseField::Modality`].
    Modality(Count),
}

impl PendingEvent {
    /// Returns the state before anything is read.
    pub(super) fn new(memory: &MemoryBudget) -> Self {
        Self {
            entries: Vec::new(),
            entries_memory: memory.reservation(),
            text: memory.buffer(),
            kind: String::new(),
            presence: FieldPresence::default(),
            visible_at: None,
            hidden_at: None,
            is_overfull: false,
            is_out_of_memory: false,
        }
    }

    /// Returns the values that count in this kind of document: field, place in arrays, and value.
    pub(super) fn values(&self) -> impl Iterator<Item = (ResponseField, At, EventValue<'_>)> {
        let counts = |entry: &&EventEntry| entry.kind.is_none_or(|kind| kind == self.kind);
        self.entries.iter().filter(counts).map(|entry| {
            let value = match entry.value {
                StoredValue::Present | StoredValue::Modality(_) => EventValue::Present,
                StoredValue::Number(number) => EventValue::Number(number),
                StoredValue::Text { from, to } => {
                    let text = self.text.bytes().get(from..to).unwrap_or_default();
                    EventValue::Text(core::str::from_utf8(text).unwrap_or_default())
                }
            };
            (entry.field, entry.at, value)
        })
    }

    /// Returns the count of `modalities` that the element at `ordinal` names. `None` if it names none of them.
    pub(super) fn modality(&self, modalities: Modalities, ordinal: u32) -> Option<Count> {
        let about = self.entries.iter().filter(|entry| entry.at.outer == ordinal);
        let mut counts = about.filter_map(|entry| match entry.value {
            StoredValue::Modality(count) => Some(count),
            StoredValue::Present | StoredValue::Number(_) | StoredValue::Text { .. } => None,
        });
        counts.find(|count| modalities.iter().any(|(_, known)| known == count))
    }

    /// Returns the model of the iteration at `ordinal`. `None` if it names none.
    pub(super) fn iteration_model(&self, ordinal: u32) -> Option<&str> {
        self.values().find_map(|(field, at, value)| match value {
            EventValue::Text(model) if field == ResponseField::IterationModel && at.outer == ordinal => {
                Some(model)
            }
            _ => None,
        })
    }

    /// Returns the kind that the document names.
    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the number of the choice at `ordinal`. `None` if it has none.
    pub(super) fn choice_number(&self, ordinal: u32) -> Option<u32> {
        let mut numbers = self.values().filter_map(|(field, at, value)| {
            let is_number = field == ResponseField::ChoiceIndex && at.outer == ordinal;
            value.count().filter(|_| is_number)
        });
        numbers.next().and_then(|number| u32::try_from(number).ok())
    }

    /// Returns the fields that are present in the document.
    pub(super) fn presence(&self) -> FieldPresence {
        let mut presence = self.presence;
        presence.text |= self.visible_at.is_some();
        let counts = |entry: &&EventEntry| entry.kind.is_some_and(|kind| kind == self.kind);
        for entry in self.entries.iter().filter(counts) {
            presence.add(entry.field);
        }
        presence
    }

    /// Sets the kind of the document.
    pub(super) fn set_kind(&mut self, value: Scalar<'_>) {
        if let Scalar::Text { start, .. } = value {
            self.kind.clear();
            self.kind.push_str(&String::from_utf8_lossy(start));
        }
    }

    /// Returns whether a value was dropped because of a bound.
    pub(super) fn is_overfull(&self) -> bool {
        self.is_overfull
    }

    /// Returns whether a value was dropped because the memory budget had no room for it.
    pub(super) fn is_out_of_memory(&self) -> bool {
        self.is_out_of_memory
    }

    /// Removes all values, for the next document.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.text.clear();
        self.kind.clear();
        self.presence = FieldPresence::default();
        self.visible_at = None;
        self.hidden_at = None;
        self.is_overfull = false;
        self.is_out_of_memory = false;
    }

    /// Reads the start of a container at the path of `rule`.
    pub(super) fn open(&mut self, rule: &ResponseRule, at: At) {
        if rule.takes_containers() {
            self.note_presence(rule, at);
        }
    }

    /// Reads a scalar at the path of `rule`.
    pub(super) fn scalar(&mut self, rule: &ResponseRule, at: At, value: Scalar<'_>) {
        match rule.field {
            // These texts have counted already while they arrived, and their presence has no meaning.
            ResponseField::Whole | ResponseField::WholeAside => {}
            ResponseField::Text
            | ResponseField::Hidden
            | ResponseField::Generated
            | ResponseField::Refusal
            | ResponseField::Repeated
            | ResponseField::Item
            | ResponseField::ToolCall
            | ResponseField::WholeToolCall
            | ResponseField::ToolName
            | ResponseField::Pending
            | ResponseField::Error
            | ResponseField::Last => {
                if matches_rule(rule, value) {
                    self.note_presence(rule, at);
                }
            }
            // A cost is no whole number.
            ResponseField::StatedCost(_) => {
                if let Scalar::Number(digits) = value {
                    self.keep_text(rule, at, digits.as_bytes());
                }
            }
            // The key alone identifies the provider, since only this one sends it.
            ResponseField::Speaker(_) => {
                if rule.only.is_none() || matches_rule(rule, value) {
                    self.note_presence(rule, at);
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
            | ResponseField::ToolIndex
            | ResponseField::ToolId
            | ResponseField::Iteration(_)
            | ResponseField::IterationModel
            | ResponseField::PriceTerm(_)
            | ResponseField::ErrorType
            | ResponseField::ErrorCode => {
                if rule.only.is_none() || matches_rule(rule, value) {
                    self.keep_value(rule, at, value);
                }
            }
        }
    }

    fn keep_value(&mut self, rule: &ResponseRule, at: At, value: Scalar<'_>) {
        match value {
            Scalar::Null | Scalar::Bool(_) => {}
            Scalar::Number(digits) => {
                if let Some(number) = whole_number(digits) {
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
        if self.entries.len() >= VALUES_PER_DOCUMENT_MAX {
            self.is_overfull = true;
            return;
        }
        if self.entries_memory.make_room(&mut self.entries, 1).is_err() {
            self.is_out_of_memory = true;
            return;
        }
        self.presence.tool_pieces |=
            matches!(rule.field, ResponseField::ToolIndex | ResponseField::ToolId | ResponseField::ToolName);
        self.entries.push(EventEntry { field: rule.field, kind: rule.kind, at, value });
    }

    /// Records that a value is present at the path of `rule`.
    fn note_presence(&mut self, rule: &ResponseRule, at: At) {
        match rule.field {
            // Whether it counts is known at the end of the document, when its kind is known.
            _ if rule.kind.is_some() => self.keep(rule, at, StoredValue::Present),
            ResponseField::Choice | ResponseField::Speaker(_) | ResponseField::ToolName => {
                self.keep(rule, at, StoredValue::Present);
            }
            ResponseField::Text if self.hidden_at == Some(at) => self.presence.generated = true,
            ResponseField::Text => {
                self.presence.text |= self.visible_at.is_some_and(|visible_at| visible_at != at);
                self.visible_at = Some(at);
            }
            ResponseField::Hidden => {
                self.hidden_at = Some(at);
                if self.visible_at == Some(at) {
                    self.visible_at = None;
                    self.presence.generated = true;
                }
            }
            field => self.presence.add(field),
        }
    }
}

impl FieldPresence {
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
            ResponseField::Pending => self.pending = true,
            // The values of these fields count and not their presence.
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
            | ResponseField::ToolIndex
            | ResponseField::ToolId
            | ResponseField::ToolName
            | ResponseField::Iteration(_)
            | ResponseField::IterationModel
            | ResponseField::PriceTerm(_)
            | ResponseField::StatedCost(_)
            | ResponseField::Hidden
            | ResponseField::Whole
            | ResponseField::WholeAside
            | ResponseField::ErrorType
            | ResponseField::ErrorCode => {}
        }
    }
}
