//! The choices of a response, and the tool calls in them.

use llm_gauge_decode::{MemoryBudget, Reservation};

use super::event::{Signs, Value};
use crate::limits::{CHOICES_MAX, SCALAR_BYTES_MAX};
use crate::record::{Gap, Word};

/// Memory of one choice: its place in a list that grows in powers of 2, and the word it ends with.
const CHOICE_BYTES: usize = 2 * size_of::<Choice>() + SCALAR_BYTES_MAX;

/// What has been read of a response's choices.
#[derive(Debug)]
pub(super) struct ChoiceSet {
    /// In the order of their numbers.
    choices: Vec<Choice>,
    memory: Reservation,
    /// Why no choice began.
    blocked: Option<Word>,
    items: u32,
    tool_calls: u32,
    /// Tool calls in answers that came whole.
    whole_tool_calls: u32,
}

/// One choice.
#[derive(Debug)]
struct Choice {
    number: u32,
    /// Whether a rule says that it is a choice; otherwise it is only the end of an answer that knows none.
    is_told: bool,
    finish: Option<Word>,
}

/// One choice of the document that is being applied.
#[derive(Debug, Default)]
pub(super) struct OpenChoice {
    /// The place in the document's array.
    pub(super) ordinal: u32,
    /// The number, if the choice has one.
    pub(super) number: Option<u64>,
    pub(super) finish: Option<Word>,
    pub(super) detail: Option<Word>,
    pub(super) is_told: bool,
}

impl ChoiceSet {
    /// The state before anything is read.
    pub(super) fn new(memory: &MemoryBudget) -> Self {
        Self {
            choices: Vec::new(),
            memory: memory.reservation(),
            blocked: None,
            items: 0,
            tool_calls: 0,
            whole_tool_calls: 0,
        }
    }

    /// Returns the budget that choices take their memory from.
    pub(super) fn budget(&self) -> &MemoryBudget {
        self.memory.budget()
    }

    /// Takes over a choice of which all values have been seen: the key order inside it no longer matters.
    ///
    /// # Errors
    ///
    /// The choice is one too many, or there is no memory for it.
    pub(super) fn close(&mut self, choice: OpenChoice) -> Result<(), Gap> {
        let number = choice.number.and_then(|number| u32::try_from(number).ok());
        let number = number.unwrap_or(choice.ordinal);
        let finish = choice.detail.or(choice.finish);
        match self.choices.binary_search_by_key(&number, |choice| choice.number) {
            Ok(place) => {
                if let Some(known) = self.choices.get_mut(place) {
                    known.finish = finish.or(known.finish.take());
                    known.is_told |= choice.is_told;
                }
            }
            Err(_) if self.memory.grow(CHOICE_BYTES).is_err() => return Err(Gap::Memory),
            Err(place) if self.choices.len() < CHOICES_MAX => {
                self.choices.insert(place, Choice { number, is_told: choice.is_told, finish });
            }
            Err(_) => return Err(Gap::TooManyValues),
        }
        Ok(())
    }

    /// Takes over why no choice began.
    pub(super) fn block(&mut self, reason: Value<'_>) {
        self.blocked = reason.word().or(self.blocked.take());
    }

    /// Adds what a document counts.
    pub(super) fn add(&mut self, signs: Signs) {
        self.whole_tool_calls = self.whole_tool_calls.saturating_add(signs.whole_tool_calls);
        self.items = self.items.saturating_add(signs.items);
        self.tool_calls = self.tool_calls.saturating_add(signs.tool_calls);
    }

    /// Returns whether the prompt was not answered, for a reason of the provider.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// Returns whether a choice has ended.
    pub(super) fn has_finished(&self) -> bool {
        self.choices.iter().any(|choice| choice.finish.is_some())
    }

    /// Returns how many choices and items there are.
    pub(super) fn count(&self) -> u32 {
        let counted = self.choices.iter().filter(|choice| choice.is_told).count();
        u32::try_from(counted).unwrap_or(u32::MAX).saturating_add(self.items)
    }

    /// Returns how many tool calls there are.
    pub(super) fn tool_calls(&self) -> u32 {
        if self.tool_calls > 0 { self.tool_calls } else { self.whole_tool_calls }
    }

    /// Returns why each choice ended, or else why none began.
    pub(super) fn take_finish_reasons(&mut self, is_http_error: bool) -> Vec<Word> {
        let choices = core::mem::take(&mut self.choices).into_iter();
        // In the body of an HTTP error the same key means something else.
        let choices = choices.filter(|_| !is_http_error);
        let reasons: Vec<_> = choices.filter_map(|choice| choice.finish).collect();
        let blocked = self.blocked.take().filter(|_| reasons.is_empty());
        reasons.into_iter().chain(blocked).collect()
    }
}
