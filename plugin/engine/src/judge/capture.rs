//! The texts of a sampled exchange, for a judge or for its span: the question, the context that the answer should be
//! based on, and the answer.
//!
//! [`RequestCapture`] receives them from the request's documents and [`ResponseCapture`] from the response's, if the
//! configuration needs them. Both are bounded. A text over the bound is dropped and not truncated, since a judge
//! would score the truncation as a fault of the answer. The exchange is then [`JudgeDecision::TooLarge`].

mod request;
mod response;

pub use request::{RequestCapture, Role, TextPart};
pub use response::{AnswerPiece, ResponseCapture};

use llm_gauge_decode::{Buffer, MemoryBudget};

use crate::ids::Ids;

/// The texts of one exchange that a judge scores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JudgeInput {
    /// The user's last message.
    pub question: String,
    /// The text that the answer should be based on. Empty if there is none.
    pub context: String,
    /// The model's answer: its first choice if there are several.
    pub answer: String,
}

/// A sampled exchange that waits to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgeJob {
    /// The exchange's request id, as it was sent to the client.
    pub request_id: String,
    /// The exchange's trace and span, to which its scores belong.
    pub ids: Ids,
    /// The exchange's label `model`.
    pub model: String,
    /// The exchange's texts.
    pub input: JudgeInput,
}

/// A source of context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextSource {
    /// System messages.
    System,
    /// Results of tools.
    ToolResults,
    /// Documents sent beside the messages.
    Documents,
    /// The text between `<NAME>` and `</NAME>` in the user's last message.
    Tag(String),
    /// A request header, in lower case.
    Header(String),
    /// A path in the request's document: keys from the outside in. `*` is every element of an array.
    Pointer(Vec<String>),
}

/// Whether a sampled exchange can be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JudgeDecision {
    /// The exchange can be judged by these texts.
    Input(JudgeInput),
    /// There is no question, or no complete answer in words.
    Nothing,
    /// The texts are longer than the bound.
    TooLarge,
    /// The worker's memory budget had no room for the texts.
    NoMemory,
}

/// The reason why a text was not captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureError {
    /// The text is longer than the bound.
    TooLarge,
    /// The worker's memory budget had no room for the text.
    NoMemory,
}

/// The texts that a span may carry. Each is `None` if it is empty or longer than the bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanContent {
    /// The user's last message.
    pub question: Option<String>,
    /// The context that the model was given.
    pub context: Option<String>,
    /// The model's answer, as far as it arrived.
    pub answer: Option<String>,
    /// Whether one of them was longer than the bound.
    pub is_too_large: bool,
}

/// The captured texts of an exchange that has ended.
#[derive(Debug)]
pub struct CapturedTexts {
    /// The question and its context.
    request: Result<(String, String), CaptureError>,
    /// The answer. `None` if none was to be captured, or if the model refused.
    response: Option<Result<String, CaptureError>>,
}

impl CapturedTexts {
    /// Ends both captures.
    pub fn new(request: RequestCapture, response: Option<ResponseCapture>) -> Self {
        Self { request: request.finish(), response: response.map(ResponseCapture::finish) }
    }

    /// Decides whether a whole answer can be judged, by texts of at most `chars_max` characters together.
    pub fn judge_decision(&self, chars_max: usize) -> JudgeDecision {
        let Some(response) = &self.response else {
            return JudgeDecision::Nothing;
        };
        let ((question, context), answer) = match (&self.request, response) {
            (Ok(request), Ok(answer)) => (request, answer),
            (Err(CaptureError::NoMemory), _) | (_, Err(CaptureError::NoMemory)) => {
                return JudgeDecision::NoMemory;
            }
            _ => return JudgeDecision::TooLarge,
        };
        let is_blank = |text: &str| text.trim_ascii().is_empty();
        if is_blank(question) || is_blank(answer) {
            return JudgeDecision::Nothing;
        }
        let chars = [question, context, answer].map(|text| chars_of(text.as_bytes()));
        if chars.into_iter().fold(0, usize::saturating_add) > chars_max {
            return JudgeDecision::TooLarge;
        }
        let (question, context, answer) = (question.clone(), context.clone(), answer.clone());
        JudgeDecision::Input(JudgeInput { question, context, answer })
    }

    /// Returns the texts that a span may carry, of an answer that arrived whole or in part.
    pub fn span_content(self) -> SpanContent {
        let is_too_large = self.request.is_err() || matches!(self.response, Some(Err(_)));
        let (question, context) = self.request.ok().unzip();
        let is_text = |text: &String| !text.is_empty();
        SpanContent {
            question: question.filter(is_text),
            context: context.filter(is_text),
            answer: self.response.and_then(Result::ok).filter(is_text),
            is_too_large,
        }
    }
}

/// A text that arrives in pieces cut anywhere, and is dropped when it outgrows its bound.
#[derive(Debug)]
struct BoundedText {
    bytes: Buffer,
    chars: usize,
    /// Whether the next piece begins a new line.
    has_ended: bool,
    /// `Some` if the text was dropped.
    error: Option<CaptureError>,
}

impl BoundedText {
    fn new(memory: &MemoryBudget) -> Self {
        Self { bytes: memory.buffer(), chars: 0, has_ended: false, error: None }
    }

    fn push(&mut self, piece: &[u8], chars_max: usize) {
        if core::mem::take(&mut self.has_ended) && !self.bytes.is_empty() {
            self.add(b"\n", chars_max);
        }
        self.add(piece, chars_max);
    }

    fn add(&mut self, piece: &[u8], chars_max: usize) {
        self.chars = self.chars.saturating_add(chars_of(piece));
        if self.chars > chars_max || self.bytes.len() > chars_max.saturating_mul(4) {
            self.error.get_or_insert(CaptureError::TooLarge);
        }
        if self.error.is_none() && self.bytes.extend(piece).is_err() {
            self.error = Some(CaptureError::NoMemory);
        }
        if self.error.is_some() {
            self.bytes.clear_to(0);
        }
    }

    fn end(&mut self) {
        self.has_ended = true;
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.error.is_none()
    }

    fn to_text(&self) -> Result<String, CaptureError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(String::from_utf8_lossy(self.bytes.bytes()).into_owned()),
        }
    }
}

/// Counts characters: UTF-8's continuation bytes are not counted.
fn chars_of(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests;
