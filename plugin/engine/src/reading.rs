//! What a format's row makes of a response: documents in, an [`Answer`] out.
//!
//! Values are kept until their document is whole, so that half an event at the end of a cut stream counts for
//! nothing, and a kept value costs no allocation of its own.

mod choices;
mod pending;
mod reader;

use llm_gauge_decode::{MemoryBudget, Reservation};

use crate::estimate;
use crate::exhibit::Said;
use crate::formats::{self, Choices, Field, Format, Operation, Tools};
use crate::head::Headers;
use crate::limits::CHOICES_MAX;
use crate::record::{Answer, Gap, Word};
use crate::scan::Paths;
use crate::usage::{Count, Usage};

pub use reader::Reader;

use choices::{CHOICE_BYTES, Choice, OpenChoice};
use pending::{Pending, Value};

/// What has been read of one response.
#[derive(Debug)]
pub struct Reading {
    format: &'static Format,
    pending: Pending,
    usage: Usage,
    /// By the platform in front of the model.
    metered: Usage,
    speaker: Option<&'static str>,
    model: Option<String>,
    id: Option<String>,
    /// By number.
    choices: Vec<Choice>,
    choices_memory: Reservation,
    blocked: Option<Word>,
    items: u32,
    tool_calls: u32,
    /// Those in answers that were whole.
    whole_tool_calls: u32,
    has_documents: bool,
    error_told: bool,
    error_type: Option<Word>,
    error_code: Option<Word>,
    content_chunks: u32,
    is_complete: bool,
    /// `[DONE]` was seen.
    is_done: bool,
    gaps: Vec<Gap>,
    deltas: Deltas,
    texts: Texts,
    /// The output's count is of the stream's beginning.
    is_first_output: bool,
    /// The model refused, in a place of its own.
    has_refused: bool,
    /// What of it a judge may be shown; there while the exchange is sampled.
    said: Option<Box<Said>>,
}

/// All text that was generated, as far as it was seen: also that of events which broke off.
#[derive(Debug, Default)]
struct Texts {
    /// Of all deltas.
    deltas: estimate::Answer,
    /// Of the last document that had a whole answer.
    whole: estimate::Answer,
    /// That document has ended.
    is_whole_over: bool,
}

/// When generated deltas came, on the exchange's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deltas {
    /// The first of any kind.
    pub first_ns: Option<u64>,
    /// The last of any kind.
    pub last_ns: Option<u64>,
    /// The first with visible text.
    pub first_answer_ns: Option<u64>,
}

impl Reading {
    /// Nothing read yet.
    pub fn new(format: &'static Format, memory: &MemoryBudget) -> Self {
        Self {
            format,
            pending: Pending::new(memory),
            usage: Usage::default(),
            metered: Usage::default(),
            speaker: None,
            model: None,
            id: None,
            choices: Vec::new(),
            choices_memory: memory.reservation(),
            blocked: None,
            items: 0,
            tool_calls: 0,
            whole_tool_calls: 0,
            has_documents: false,
            error_told: false,
            error_type: None,
            error_code: None,
            content_chunks: 0,
            is_complete: false,
            is_done: false,
            gaps: Vec::new(),
            deltas: Deltas::default(),
            texts: Texts::default(),
            is_first_output: false,
            has_refused: false,
            said: None,
        }
    }

    /// Keeps the answer, up to so many characters.
    pub fn keep_answer(&mut self, chars_max: usize, memory: &MemoryBudget) {
        self.said = Some(Box::new(Said::new(chars_max, memory)));
    }

    /// What was kept of the answer; `None` where nothing was to be kept, or the model refused.
    pub fn take_said(&mut self) -> Option<Said> {
        self.said.take().filter(|_| !self.has_refused).map(|said| *said)
    }

    /// Takes documents that arrive at `now_ns`.
    pub fn at<'a>(&'a mut self, paths: &'a Paths, now_ns: u64) -> Reader<'a> {
        Reader { reading: self, paths, now_ns, flowed: None }
    }

    /// Reads the head of the response.
    pub fn head(&mut self, head: &Headers<'_>) {
        for (name, field) in self.format.headers {
            let Some(text) = head.text(name) else {
                continue;
            };
            match field {
                Field::Metered(count) => {
                    if let Ok(tokens) = text.parse() {
                        self.metered.set(*count, tokens);
                    }
                }
                // `ValidationException:http://internal...`
                Field::ErrorType => {
                    let name = text.split(':').next().unwrap_or(text);
                    self.error_type = Some(Word::Text(name.to_owned()));
                }
                _ => {}
            }
        }
    }

    /// The provider that the response shows by what only that one sends.
    pub fn speaker(&self) -> Option<&'static str> {
        self.speaker
    }

    /// Counts a gap, each reason once.
    pub fn add_gap(&mut self, gap: Gap) {
        if !self.gaps.contains(&gap) {
            self.gaps.push(gap);
        }
    }

    /// Takes a gap back.
    pub fn forgive(&mut self, gap: Gap) {
        self.gaps.retain(|counted| *counted != gap);
    }

    /// What could not be read.
    pub fn take_gaps(&mut self) -> Vec<Gap> {
        core::mem::take(&mut self.gaps)
    }

    /// When deltas came.
    pub fn deltas(&self) -> Deltas {
        self.deltas
    }

    /// The text that was generated. A stream that also repeats its whole answer has it once.
    pub fn text(&self) -> estimate::Answer {
        if self.texts.deltas.is_empty() { self.texts.whole } else { self.texts.deltas }
    }

    /// Whether nothing more is to come: the protocol's last mark was seen.
    pub fn is_closed(&self) -> bool {
        self.is_complete || self.is_done
    }

    /// Whether the protocol's last mark, or at least the end of a choice, was seen.
    pub fn has_ended(&self) -> bool {
        self.is_closed()
            || self.blocked.is_some()
            || self.choices.iter().any(|choice| choice.finish.is_some())
    }

    /// What the response said, given how it was framed and answered.
    pub fn answer(&mut self, streaming: bool, is_http_error: bool) -> Answer {
        let counted = self.choices.iter().filter(|choice| choice.is_told).count();
        let counted = u32::try_from(counted).unwrap_or(u32::MAX);
        let counted = counted.saturating_add(self.items);
        let anything = counted > 0 || self.id.is_some() || self.model.is_some() || !self.usage.is_empty();
        // A body in which nothing could be read says nothing.
        let is_unread = !self.has_documents && !self.gaps.is_empty();
        let is_told = streaming && !is_unread;
        let choices = match self.format.choices {
            Choices::Counted => (counted > 0).then_some(counted),
            Choices::CountedOrZero => (!is_http_error && (counted > 0 || anything)).then_some(counted),
            Choices::One => (!is_http_error && (is_told || anything)).then_some(1),
            Choices::None => None,
        };
        let has_tools = !is_http_error && !is_unread && self.can_have_tools(streaming, choices, anything);
        let tool_calls = if self.tool_calls > 0 { self.tool_calls } else { self.whole_tool_calls };
        let finish_reasons = core::mem::take(&mut self.choices).into_iter();
        // What an error's body says under the same name is something else.
        let finish_reasons = finish_reasons.filter(|_| !is_http_error);
        let finish_reasons: Vec<_> = finish_reasons.filter_map(|choice| choice.finish).collect();
        let is_inference = self.format.operation != Operation::Other;
        let is_complete = match formats::has_last(self.format) {
            true => Some(self.is_complete),
            // Text without any choice around it has no end that could be seen.
            false if self.format.choices == Choices::Counted && counted == 0 && self.content_chunks > 0 => {
                None
            }
            false => Some(!finish_reasons.is_empty()),
        };
        // A blocked prompt has no choice that could end.
        let is_complete = is_complete.map(|is_complete| is_complete || self.blocked.is_some());
        let blocked = self.blocked.take().filter(|_| finish_reasons.is_empty());
        if self.usage.is_empty() {
            self.usage = self.metered;
        }
        let (input_tokens, output_tokens) = self.usage.inclusive(self.format.convention());
        Answer {
            // An error names what failed, and it is no answer.
            model: self.model.take().filter(|_| !is_http_error),
            id: self.id.take().filter(|_| !is_http_error),
            streaming,
            usage: self.usage,
            input_tokens,
            output_tokens,
            is_first_output: self.is_first_output,
            finish_reasons: finish_reasons.into_iter().chain(blocked).collect(),
            tool_calls: has_tools.then_some(tool_calls),
            choices,
            error_type: self.error_type.take(),
            error_code: self.error_code.take(),
            error_told: self.error_told,
            content_chunks: (is_told && is_inference).then_some(self.content_chunks),
            complete: is_complete.filter(|_| is_told && is_inference),
        }
    }

    fn can_have_tools(&self, streaming: bool, choices: Option<u32>, anything: bool) -> bool {
        match self.format.tools {
            Tools::None => false,
            Tools::InStreams => streaming,
            Tools::WithChoices => choices.is_some(),
            Tools::Always => {
                streaming || choices.is_some() || (self.format.choices == Choices::None && anything)
            }
        }
    }

    /// The pending document is whole: what it says counts from now on.
    fn apply(&mut self, now_ns: u64) {
        let spare = Pending::new(self.choices_memory.budget());
        let mut pending = core::mem::replace(&mut self.pending, spare);
        if let Some(said) = &mut self.said {
            said.document(pending.kind(), |ordinal| pending.choice_number(ordinal));
        }
        let mut usage = Usage::default();
        let mut choice = None;
        for value in pending.values() {
            if let (Field::UsageOf(modalities), ordinal, number) = value
                && let Some(count) = pending.modality(modalities, ordinal)
                && let Some(tokens) = number.count()
            {
                usage.set(count, usage.get(count).unwrap_or(0).saturating_add(tokens));
            }
            self.apply_value(value, &mut usage, &mut choice);
        }
        self.close_choice(choice);
        if !usage.is_empty() {
            self.usage.merge(&usage, self.format.merge);
        }
        self.has_documents = true;
        let signs = pending.signs();
        self.whole_tool_calls = self.whole_tool_calls.saturating_add(signs.whole_tool_calls);
        self.items = self.items.saturating_add(signs.items);
        self.tool_calls = self.tool_calls.saturating_add(signs.tool_calls);
        self.error_told |= signs.error;
        self.is_complete |= signs.last;
        self.has_refused |= signs.refusal;
        if signs.text {
            self.content_chunks = self.content_chunks.saturating_add(1);
            self.deltas.first_answer_ns.get_or_insert(now_ns);
        }
        if signs.text || signs.generated {
            self.deltas.first_ns.get_or_insert(now_ns);
            self.deltas.last_ns = Some(now_ns);
        }
        pending.clear();
        self.pending = pending;
    }

    fn apply_value(
        &mut self,
        (field, ordinal, value): (Field, u32, Value<'_>),
        usage: &mut Usage,
        choice: &mut Option<OpenChoice>,
    ) {
        match field {
            Field::Id => first(&mut self.id, value),
            Field::Model => first(&mut self.model, value),
            Field::ErrorType => self.error_type = value.word().or(self.error_type.take()),
            Field::ErrorCode => self.error_code = value.word().or(self.error_code.take()),
            Field::Usage(count) => {
                if let Some(tokens) = value.count() {
                    usage.set(count, tokens);
                    self.is_first_output &= count != Count::Output;
                }
            }
            Field::UsageSum(count) => {
                if let Some(tokens) = value.count() {
                    usage.set(count, usage.get(count).unwrap_or(0).saturating_add(tokens));
                }
            }
            Field::UsageElse(count) => {
                if let (Some(tokens), None) = (value.count(), usage.get(count)) {
                    usage.set(count, tokens);
                }
            }
            Field::FirstUsage(count) => {
                if let Some(tokens) = value.count() {
                    usage.set(count, tokens);
                    self.is_first_output |= count == Count::Output;
                }
            }
            Field::Metered(count) => {
                if let Some(tokens) = value.count() {
                    self.metered.set(count, tokens);
                }
            }
            Field::Speaker(provider) => self.speaker = self.speaker.or(Some(provider)),
            Field::Blocked => self.blocked = value.word().or(self.blocked.take()),
            Field::Choice | Field::ChoiceIndex | Field::Finish | Field::FinishDetail => {
                if choice.as_ref().is_some_and(|open| open.ordinal != ordinal) {
                    self.close_choice(choice.take());
                }
                let open = choice.get_or_insert(OpenChoice { ordinal, ..OpenChoice::default() });
                match field {
                    Field::ChoiceIndex => open.number = value.count(),
                    Field::Finish => open.finish = value.word(),
                    Field::FinishDetail => open.detail = value.word(),
                    _ => {}
                }
                open.is_told |= matches!(field, Field::Choice | Field::ChoiceIndex);
            }
            _ => {}
        }
    }

    /// All values of one choice have been seen; the key order inside it no longer matters.
    fn close_choice(&mut self, choice: Option<OpenChoice>) {
        let Some(choice) = choice else {
            return;
        };
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
            Err(_) if self.choices_memory.grow(CHOICE_BYTES).is_err() => self.add_gap(Gap::Memory),
            Err(place) if self.choices.len() < CHOICES_MAX => {
                self.choices.insert(place, Choice { number, is_told: choice.is_told, finish });
            }
            Err(_) => self.add_gap(Gap::TooManyValues),
        }
    }
}

/// The first name that is not empty counts: some streams begin with an empty one.
fn first(slot: &mut Option<String>, value: Value<'_>) {
    if slot.is_none() {
        *slot = value.text().filter(|text| !text.is_empty());
    }
}

#[cfg(test)]
mod tests;
