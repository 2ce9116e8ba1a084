//! What a judge is shown of an exchange: the question, what it was to be answered from, and the answer.
//!
//! Kept of sampled exchanges only, and bounded: [`Heard`] takes it from the request's documents, [`Said`] from the
//! response's. What does not fit is not cut, since a judge would take a cut for a fault of the answer: the exchange is
//! then [`Shown::TooLarge`].

mod heard;
mod said;

pub use heard::{Heard, Part};
pub use said::{Piece, Said};

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
    /// The id of the exchange, which joins its scores with its span.
    pub request_id: String,
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
}

/// What is kept of a sampled exchange, put together.
pub fn shown(heard: Heard, said: Said, chars_max: usize) -> Shown {
    let (Some((question, context)), Some(answer)) = (heard.finish(), said.finish()) else {
        return Shown::TooLarge;
    };
    let exhibit = Exhibit { question, context, answer };
    let is_blank = |text: &str| text.trim_ascii().is_empty();
    if is_blank(&exhibit.question) || is_blank(&exhibit.answer) {
        return Shown::Nothing;
    }
    let texts = [&exhibit.question, &exhibit.context, &exhibit.answer];
    let chars = texts.map(|text| chars_of(text.as_bytes())).into_iter().fold(0, usize::saturating_add);
    if chars > chars_max { Shown::TooLarge } else { Shown::Exhibit(exhibit) }
}

/// A text that is kept as it comes, in pieces cut anywhere, as long as it fits.
#[derive(Debug, Default)]
struct Text {
    bytes: Vec<u8>,
    chars: usize,
    /// What comes next begins a line.
    has_ended: bool,
    is_over: bool,
}

impl Text {
    fn push(&mut self, piece: &[u8], chars_max: usize) {
        if core::mem::take(&mut self.has_ended) && !self.bytes.is_empty() {
            self.add(b"\n", chars_max);
        }
        self.add(piece, chars_max);
    }

    fn add(&mut self, piece: &[u8], chars_max: usize) {
        self.chars = self.chars.saturating_add(chars_of(piece));
        self.is_over |= self.chars > chars_max || self.bytes.len() > chars_max.saturating_mul(4);
        if self.is_over {
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(piece);
        }
    }

    fn end(&mut self) {
        self.has_ended = true;
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.is_over
    }

    fn into_string(self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Characters: bytes that go on with one are none of their own.
fn chars_of(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests;
