//! Applies the rules of a format's row to a response: documents are read, and an [`Answer`] is returned.
//!
//! Values are kept until their document is complete, so that half an event at the end of a cut stream counts for
//! nothing. A kept value needs no allocation of its own.
//!
//! [`ResponseReader`] receives the documents, `event` holds the values of the current one, and the state consists of
//! `usage`, `choices`, `errors`, `timing` and `texts`.

mod choices;
mod errors;
mod event;
mod reader;
mod scalars;
mod texts;
mod timing;
mod tool_calls;
mod usage;

use llm_gauge_decode::MemoryBudget;

use crate::estimate;
use crate::formats::{self, Choices, Format, HeaderField, Operation, ResponseField, Tools};
use crate::head::Headers;
use crate::judge::capture::ResponseCapture;
use crate::limits::TOKENS_MAX;
use crate::price::PriceTerms;
use crate::record::{Answer, Gap, Word};
use crate::scan::{At, Paths};
use crate::usage::Usage;

pub use reader::ResponseReader;
pub use timing::DeltaTimes;

use choices::{ChoiceSet, OpenChoice};
use errors::ReportedError;
use event::{EventValue, PendingEvent};
use texts::GeneratedText;
use tool_calls::ToolCallPieces;
use usage::ReportedUsage;

/// The state of one response that is being read.
#[derive(Debug)]
pub struct ResponseState {
    format: &'static Format,
    event: PendingEvent,
    id: Option<String>,
    model: Option<String>,
    /// The provider that a key in the response identifies. `None` if there is no such key.
    speaker: Option<&'static str>,
    usage: ReportedUsage,
    choices: ChoiceSet,
    error: ReportedError,
    tool_calls: ToolCallPieces,
    terms: PriceTerms,
    deltas: DeltaTimes,
    /// The number of documents with visible text.
    content_chunks: u32,
    texts: GeneratedText,
    has_documents: bool,
    /// Whether the format's end marker arrived.
    is_complete: bool,
    /// Whether `[DONE]` arrived.
    is_done: bool,
    /// Whether the response says that its answer is still to be generated.
    is_pending: bool,
    /// Whether the model refused, in a field that is only for refusals.
    has_refused: bool,
    gaps: Vec<Gap>,
    /// The answer's text for a judge. `None` unless the exchange is sampled.
    capture: Option<Box<ResponseCapture>>,
}

impl ResponseState {
    /// Returns the state before anything is read.
    pub fn new(format: &'static Format, memory: &MemoryBudget) -> Self {
        Self {
            format,
            event: PendingEvent::new(memory),
            id: None,
            model: None,
            speaker: None,
            usage: ReportedUsage::default(),
            choices: ChoiceSet::new(memory),
            error: ReportedError::default(),
            tool_calls: ToolCallPieces::new(memory),
            terms: PriceTerms::default(),
            deltas: DeltaTimes::default(),
            content_chunks: 0,
            texts: GeneratedText::default(),
            has_documents: false,
            is_complete: false,
            is_done: false,
            is_pending: false,
            has_refused: false,
            gaps: Vec::new(),
            capture: None,
        }
    }

    /// Captures the text of the answer, up to `chars_max` characters.
    pub fn keep_answer(&mut self, chars_max: usize, memory: &MemoryBudget) {
        self.capture = Some(Box::new(ResponseCapture::new(chars_max, memory)));
    }

    /// Returns the captured text of the answer. `None` if none is captured, or if the model refused.
    pub fn take_capture(&mut self) -> Option<ResponseCapture> {
        self.capture.take().filter(|_| !self.has_refused).map(|capture| *capture)
    }

    /// Returns a reader for documents that arrive at `now_ns`.
    pub fn at<'a>(&'a mut self, paths: &'a Paths, now_ns: u64) -> ResponseReader<'a> {
        ResponseReader { state: self, paths, now_ns, last_text: None }
    }

    /// Reads the head of the response.
    pub fn head(&mut self, head: &Headers<'_>) {
        for (name, field) in self.format.headers {
            let Some(text) = head.text(name) else {
                continue;
            };
            match field {
                HeaderField::Metered(count) => self.usage.set_metered(*count, text.parse().ok()),
                HeaderField::ErrorType => self.error.set_type_of_head(text),
            }
        }
    }

    /// Returns the provider that a key in the response identifies. `None` if there is no such key.
    pub fn speaker(&self) -> Option<&'static str> {
        self.speaker
    }

    /// Adds a gap unless it is already there.
    pub fn add_gap(&mut self, gap: Gap) {
        if !self.gaps.contains(&gap) {
            self.gaps.push(gap);
        }
    }

    /// Removes a gap.
    pub fn remove_gap(&mut self, gap: Gap) {
        self.gaps.retain(|counted| *counted != gap);
    }

    /// Removes and returns the gaps.
    pub fn take_gaps(&mut self) -> Vec<Gap> {
        core::mem::take(&mut self.gaps)
    }

    /// Returns the times of the deltas so far.
    pub fn deltas(&self) -> DeltaTimes {
        self.deltas
    }

    /// Returns whether a whole document was read.
    pub fn has_documents(&self) -> bool {
        self.has_documents
    }

    /// Returns the amount of text that was generated.
    pub fn text(&self) -> estimate::AnswerTally {
        self.texts.answer()
    }

    /// Returns whether the format's end marker arrived, or at least the end of a choice.
    pub fn has_ended(&self) -> bool {
        self.is_complete || self.is_done || self.choices.is_blocked() || self.choices.has_finished()
    }

    /// Returns the answer. `streaming` is whether it was a stream, `is_http_error` whether its status is an error.
    pub fn answer(&mut self, streaming: bool, is_http_error: bool) -> Answer {
        let counted = self.choices.count();
        let anything = counted > 0 || self.id.is_some() || self.model.is_some() || !self.usage.is_empty();
        // If nothing in the body could be read, nothing is known of it.
        let is_unread = !self.has_documents && !self.gaps.is_empty();
        let is_readable_stream = streaming && !is_unread;
        let choices = match self.format.choices {
            Choices::Counted => (counted > 0).then_some(counted),
            Choices::CountedOrZero => (!is_http_error && (counted > 0 || anything)).then_some(counted),
            Choices::One => (!is_http_error && (is_readable_stream || anything)).then_some(1),
            Choices::None => None,
        };
        let has_tools = !is_http_error && !is_unread && self.can_have_tools(streaming, choices, anything);
        let tool_calls = has_tools.then_some(self.choices.tool_calls(self.tool_calls.count()));
        let is_inference = self.format.operation != Operation::Other;
        // A blocked prompt has no choice that could end.
        let is_blocked = self.choices.is_blocked();
        let finish_reasons = self.choices.take_finish_reasons(is_http_error);
        let is_complete = match formats::has_last(self.format) {
            true => Some(self.is_complete || is_blocked),
            // Text outside of any choice has no end that could be seen.
            false if self.format.choices == Choices::Counted && counted == 0 && self.content_chunks > 0 => {
                None
            }
            false => Some(!finish_reasons.is_empty()),
        };
        let (usage, has_implausible_count) = self.usage.effective().up_to(TOKENS_MAX);
        if has_implausible_count {
            self.add_gap(Gap::ImplausibleUsage);
        }
        let (input_tokens, output_tokens) = usage.inclusive(self.format.convention());
        let is_unbilled_finish =
            |reason: &Word| matches!(reason, Word::Text(word) if word == self.format.unbilled_finish);
        self.terms.is_unbilled = output_tokens == Some(0) && finish_reasons.iter().any(is_unbilled_finish);
        Answer {
            // The model in an error body is the one that failed, and its id is not that of an answer.
            model: self.model.take().filter(|_| !is_http_error),
            id: self.id.take().filter(|_| !is_http_error),
            streaming,
            usage,
            input_tokens,
            output_tokens,
            is_first_output: self.usage.is_first_output(),
            is_pending: self.is_pending,
            others: self.usage.take_others(),
            terms: core::mem::take(&mut self.terms),
            finish_reasons,
            tool_calls,
            choices,
            error_type: self.error.error_type.take(),
            error_code: self.error.error_code.take(),
            has_error: self.error.is_reported,
            content_chunks: (is_readable_stream && is_inference).then_some(self.content_chunks),
            complete: is_complete.filter(|_| is_readable_stream && is_inference),
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

    /// Applies the values of the current document, which is now complete.
    fn apply(&mut self, now_ns: u64) {
        let mut event = core::mem::replace(&mut self.event, PendingEvent::new(self.choices.budget()));
        if let Some(capture) = &mut self.capture {
            capture.document(event.kind(), |ordinal| event.choice_number(ordinal));
        }
        let mut usage = Usage::default();
        let mut choice = None;
        for value in event.values() {
            self.apply_value(&event, value, &mut usage, &mut choice);
        }
        self.close_choice(choice);
        self.usage.add_iterations(&event, &mut usage, self.model.as_deref());
        self.usage.merge(&usage, self.format);
        self.has_documents = true;
        let presence = event.presence();
        self.choices.add(presence);
        if presence.tool_pieces
            && let Err(gap) = self.tool_calls.add(&event)
        {
            self.add_gap(gap);
        }
        self.is_pending |= presence.pending;
        self.error.is_reported |= presence.error;
        self.is_complete |= presence.last;
        self.has_refused |= presence.refusal;
        self.content_chunks = self.content_chunks.saturating_add(u32::from(presence.text));
        self.deltas.add(presence, now_ns);
        event.clear();
        self.event = event;
    }

    fn apply_value(
        &mut self,
        event: &PendingEvent,
        (field, at, value): (ResponseField, At, EventValue<'_>),
        usage: &mut Usage,
        choice: &mut Option<OpenChoice>,
    ) {
        let ordinal = at.outer;
        match field {
            ResponseField::Id => set_first_text(&mut self.id, value),
            ResponseField::Model => set_first_text(&mut self.model, value),
            ResponseField::Speaker(provider) => self.speaker = self.speaker.or(Some(provider)),
            ResponseField::Usage(count) => self.usage.set(usage, count, value.count()),
            ResponseField::FirstUsage(count) => self.usage.set_first(usage, count, value.count()),
            ResponseField::Metered(count) => self.usage.set_metered(count, value.count()),
            ResponseField::UsageSum(count) => usage::add_count(usage, count, value.count()),
            ResponseField::UsageElse(count) => usage::set_if_missing(usage, count, value.count()),
            ResponseField::UsageOf(modalities) => {
                if let Some(count) = event.modality(modalities, ordinal) {
                    usage::add_count(usage, count, value.count());
                }
            }
            ResponseField::Choice => self.open_choice(choice, ordinal).is_reported = true,
            ResponseField::ChoiceIndex => {
                let open = self.open_choice(choice, ordinal);
                (open.number, open.is_reported) = (value.count(), true);
            }
            ResponseField::Finish => self.open_choice(choice, ordinal).finish = value.word(),
            ResponseField::FinishDetail => self.open_choice(choice, ordinal).detail = value.word(),
            ResponseField::Blocked => self.choices.block(value),
            ResponseField::ErrorType => self.error.set_type(value),
            ResponseField::ErrorCode => self.error.set_code(value),
            ResponseField::PriceTerm(term) => self.terms.set(term, value.text()),
            ResponseField::StatedCost(unit) => self.terms.set_stated(value.text().as_deref(), unit),
            // `UsageOf` and the iterations read these values from the event.
            ResponseField::Modality(_)
            | ResponseField::Iteration(_)
            | ResponseField::IterationModel
            // The tool calls read these from the event.
            | ResponseField::ToolIndex
            | ResponseField::ToolId
            | ResponseField::ToolName
            | ResponseField::Pending
            // Only the presence of these counts, which the event has already counted.
            | ResponseField::Item
            | ResponseField::Text
            | ResponseField::Hidden
            | ResponseField::Generated
            | ResponseField::Refusal
            | ResponseField::Repeated
            | ResponseField::Whole
            | ResponseField::WholeAside
            | ResponseField::ToolCall
            | ResponseField::WholeToolCall
            | ResponseField::Error
            | ResponseField::Last => {}
        }
    }

    /// Returns the choice at `ordinal`, after closing the choice before it.
    fn open_choice<'a>(&mut self, choice: &'a mut Option<OpenChoice>, ordinal: u32) -> &'a mut OpenChoice {
        if choice.as_ref().is_some_and(|open| open.ordinal != ordinal) {
            self.close_choice(choice.take());
        }
        choice.get_or_insert(OpenChoice { ordinal, ..OpenChoice::default() })
    }

    fn close_choice(&mut self, choice: Option<OpenChoice>) {
        if let Some(Err(gap)) = choice.map(|choice| self.choices.close(choice)) {
            self.add_gap(gap);
        }
    }
}

/// Sets the slot to the first text that is not empty, since some streams begin with an empty one.
fn set_first_text(slot: &mut Option<String>, value: EventValue<'_>) {
    if slot.is_none() {
        *slot = value.text().filter(|text| !text.is_empty());
    }
}

#[cfg(test)]
mod tests;
