//! What is kept of an exchange's texts, for a judge or to leave with its span: the question, what it was to be answered
//! from, and the answer.
//!
//! Kept where the configuration asks for it only, and bounded: [`Heard`] takes it from the request's documents, [`Said`] from the
//! response's. What does not fit is not cut, since a judge would take a cut for a fault of the answer: the exchange is
//! then [`Shown::TooLarge`].

mod heard;
mod said;

pub use heard::{Heard, Part, Role};
pub use said::{Piece, Said};

use llm_gauge_decode::{Buffer, MemoryBudget};

use crate::ids::Ids;

/// Texts of one exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exhibit {
    /// What the user said last.
    pub question: String,
    /// What the answer was to be taken from; empty if there was nothing.
    pub context: String,
    /// What the model said: its first choice, where it gave several.
    pub answer: String,
}

/// A sampled exchange that is to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The id of the exchange, as the client got it.
    pub request_id: String,
    /// Its trace and span, which its scores belong to.
    pub ids: Ids,
    /// Its label `model`.
    pub model: String,
    /// Its texts.
    pub exhibit: Exhibit,
}

/// Where context comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// System messages.
    System,
    /// Results of tools.
    ToolResults,
    /// Documents sent beside the messages.
    Documents,
    /// What stands between `<NAME>` and `</NAME>` in the user's last message.
    Tag(String),
    /// A request header, in lower case.
    Header(String),
    /// A place in the request's document: keys from the outside in; `*` is every element of an array.
    Pointer(Vec<String>),
}

/// What there is to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// These texts.
    Exhibit(Exhibit),
    /// No question, or no whole answer in words.
    Nothing,
    /// More text than the bound.
    TooLarge,
    /// The worker's memory budget had nothing left for the texts.
    NoMemory,
}

/// Why a text was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It is longer than the bound.
    TooLarge,
    /// The worker's memory budget had nothing left for it.
    NoMemory,
}

/// Texts that may leave with a span; `None` where there are none, or more of them than the bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// What the user said last.
    pub question: Option<String>,
    /// What the model was given beside it.
    pub context: Option<String>,
    /// What the model said, as far as it came.
    pub answer: Option<String>,
    /// One of them was more than the bound.
    pub is_too_large: bool,
}

/// What is kept of an exchange, put together.
#[derive(Debug)]
pub struct Kept {
    heard: Result<(String, String), Lost>,
    /// `None` also where the model refused.
    said: Option<Result<String, Lost>>,
}

impl Kept {
    /// Nothing more comes.
    pub fn new(heard: Heard, said: Option<Said>) -> Self {
        Self { heard: heard.finish(), said: said.map(Said::finish) }
    }

    /// What a judge is shown of a whole answer.
    pub fn shown(&self, chars_max: usize) -> Shown {
        let Some(said) = &self.said else {
            return Shown::Nothing;
        };
        let ((question, context), answer) = match (&self.heard, said) {
            (Ok(heard), Ok(answer)) => (heard, answer),
            (Err(Lost::NoMemory), _) | (_, Err(Lost::NoMemory)) => return Shown::NoMemory,
            _ => return Shown::TooLarge,
        };
        let is_blank = |text: &str| text.trim_ascii().is_empty();
        if is_blank(question) || is_blank(answer) {
            return Shown::Nothing;
        }
        let chars = [question, context, answer].map(|text| chars_of(text.as_bytes()));
        if chars.into_iter().fold(0, usize::saturating_add) > chars_max {
            return Shown::TooLarge;
        }
        let (question, context, answer) = (question.clone(), context.clone(), answer.clone());
        Shown::Exhibit(Exhibit { question, context, answer })
    }

    /// What may leave with a span, of an answer that came whole or in part.
    pub fn content(self) -> Content {
        let is_too_large = self.heard.is_err() || matches!(self.said, Some(Err(_)));
        let (question, context) = self.heard.ok().unzip();
        let is_text = |text: &String| !text.is_empty();
        Content {
            question: question.filter(is_text),
            context: context.filter(is_text),
            answer: self.said.and_then(Result::ok).filter(is_text),
            is_too_large,
        }
    }
}

/// A text that is kept as it arrives, in pieces cut anywhere, as long as it fits.
#[derive(Debug)]
struct Text {
    bytes: Buffer,
    chars: usize,
    /// The next piece begins a line.
    has_ended: bool,
    lost: Option<Lost>,
}

impl Text {
    fn new(memory: &MemoryBudget) -> Self {
        Self { bytes: memory.buffer(), chars: 0, has_ended: false, lost: None }
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
            self.lost.get_or_insert(Lost::TooLarge);
        }
        if self.lost.is_none() && self.bytes.extend(piece).is_err() {
            self.lost = Some(Lost::NoMemory);
        }
        if self.lost.is_some() {
            self.bytes.clear_to(0);
        }
    }

    fn end(&mut self) {
        self.has_ended = true;
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.lost.is_none()
    }

    fn to_text(&self) -> Result<String, Lost> {
        match self.lost {
            Some(lost) => Err(lost),
            None => Ok(String::from_utf8_lossy(self.bytes.bytes()).into_owned()),
        }
    }
}

/// Characters: bytes that go on with one are none of their own.
fn chars_of(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests;
