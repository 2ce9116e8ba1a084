//! The choices of a response, and the tool calls in them.

use llm_gauge_decode::{MemoryBudget, Reservation};

use super::event::{EventValue, FieldPresence};
use crate::limits::{CHOICES_MAX, SCALAR_BYTES_MAX};
use crate::record::{Gap, Word};

/// The memory of one choice: its entry in a list that grows in powers of 2, and its finish reason.
const CHOICE_BYTES: usize = 2 * size_of::<Choice>() + SCALAR_BYTES_MAX;

/// The choices of a response that have been read.
#[derive(Debug)]
pub(super) struct ChoiceSet {
    /// Sorted by number.
    choices: Vec<Choice>,
    memory: Reservation,
    /// The provider's reason for not answering the prompt. `None` if it was answered.
    blocked: Option<Word>,
    items: u32,
    tool_calls: u32,
    /// The number of tool calls in whole answers, which repeat those of the deltas.
    whole_tool_calls: u32,
}

/// A choice of the response.
#[derive(Debug)]
struct Choice {
    number: u32,
    /// Whether a rule identifies it as a choice. If not, it only holds the finish reason of an answer without
    /// choices.
    is_reported: bool,
    finish: Option<Word>,
}

/// A choice of the current document.
#[derive(Debug, Default)]
pub(super) struct OpenChoice {
    /// The index in the document's array.
    pub(super) ordinal: u32,
    /// The choice's own number. `None` if it has none.
    pub(super) number: Option<u64>,
    pub(super) finish: Option<Word>,
    pub(super) detail: Option<Word>,
    pub(super) is_reported: bool,
}

impl ChoiceSet {
    /// Returns an empty set.
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

    /// Returns the budget of the choices' memory.
    pub(super) fn budget(&self) -> &MemoryBudget {
        self.memory.budget()
    }

    /// Adds a choice whose values have all been read, so that the order of its keys does not matter.
    ///
    /// # Errors
    ///
    /// Fails if the choice exceeds the bound on their number, or the memory budget has no room for it.
    pub(super) fn close(&mut self, choice: OpenChoice) -> Result<(), Gap> {
        let number = choice.number.and_then(|number| u32::try_from(number).ok());
        let number = number.unwrap_or(choice.ordinal);
        let finish = choice.detail.or(choice.finish);
        match self.choices.binary_search_by_key(&number, |choice| choice.number) {
            Ok(place) => {
                if let Some(known) = self.choices.get_mut(place) {
                    known.finish = finish.or(known.finish.take());
                    known.is_reported |= choice.is_reported;
                }
            }
            Err(_) if self.memory.grow(CHOICE_BYTES).is_err() => return Err(Gap::Memory),
            Err(place) if self.choices.len() < CHOICES_MAX => {
                self.choices.insert(place, Choice { number, is_reported: choice.is_reported, finish });
            }
            Err(_) => return Err(Gap::TooManyValues),
        }
        Ok(())
    }

    /// Sets the reason why the prompt was not answered.
    pub(super) fn block(&mut self, reason: EventValue<'_>) {
        self.blocked = reason.word().or(self.blocked.take());
    }

    /// Adds the counts of a document.
    pub(super) fn add(&mut self, presence: FieldPresence) {
        self.whole_tool_calls = self.whole_tool_calls.saturating_add(presence.whole_tool_calls);
        self.items = self.items.saturating_add(presence.items);
        self.tool_calls = self.tool_calls.saturating_add(presence.tool_calls);
    }

    /// Returns whether the provider refused to answer the prompt.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// Returns whether a choice has a finish reason.
    pub(super) fn has_finished(&self) -> bool {
        self.choices.iter().any(|choice| choice.finish.is_some())
    }

    /// Returns the number of choices and items.
    pub(super) fn count(&self) -> u32 {
        let counted = self.choices.iter().filter(|choice| choice.is_reported).count();
        u32::try_from(counted).unwrap_or(u32::MAX).saturating_add(self.items)
    }

    /// Returns the number of tool calls. `in_pieces` is the number of those that arrived in pieces.
    pub(super) fn tool_calls(&self, in_pieces: u32) -> u32 {
        let streamed = self.tool_calls.saturating_add(in_pieces);
        if streamed > 0 { streamed } else { self.whole_tool_calls }
    }

    /// Removes and returns the finish reasons, or the reason why the prompt was not answered if there are none.
    pub(super) fn take_finish_reasons(&mut self, is_http_error: bool) -> Vec<Word> {
        let choices = core::mem::take(&mut self.choices).into_iter();
        // The body of an HTTP error uses the key of finish reasons for something else.
        let choices = choices.filter(|_| !is_http_error);
        let reasons: Vec<_> = choices.filter_map(|choice| choice.finish).collect();
        let blocked = self.blocked.take().filter(|_| reasons.is_empty());
        reasons.into_iter().chain(blocked).collect()
    }
}
