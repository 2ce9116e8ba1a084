//! Captures the answer from a response.

use llm_gauge_decode::{Buffer, MemoryBudget};

use super::{BoundedText, CaptureError};
use crate::limits::VALUES_PER_DOCUMENT_MAX;

/// The place and kind of a piece of a response's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerPiece {
    /// Its ordinals in the outermost and the innermost array around it.
    pub at: (u32, u32),
    /// The kind of document in which it counts. `None` if in all.
    pub kind: Option<&'static str>,
    /// Whether it is of a whole answer rather than a delta.
    pub is_whole: bool,
    /// Whether the outermost array is that of choices.
    pub is_in_choice: bool,
}

/// The captured answer of a response that is being read.
#[derive(Debug)]
pub struct ResponseCapture {
    chars_max: usize,
    /// The pieces of the document that is being read, each with its end in `bytes`.
    pieces: Vec<(AnswerPiece, usize)>,
    bytes: Buffer,
    memory: MemoryBudget,
    /// Places of that document whose texts are not visible to the user.
    hidden: Vec<(u32, u32)>,
    /// The number of the first choice with text. `None` until there is one.
    choice: Option<u32>,
    deltas: BoundedText,
    whole: BoundedText,
    error: Option<CaptureError>,
}

impl ResponseCapture {
    /// Begins a capture of at most `chars_max` characters.
    pub fn new(chars_max: usize, memory: &MemoryBudget) -> Self {
        Self {
            chars_max,
            pieces: Vec::new(),
            bytes: memory.buffer(),
            memory: memory.clone(),
            hidden: Vec::new(),
            choice: None,
            deltas: BoundedText::new(memory),
            whole: BoundedText::new(memory),
            error: None,
        }
    }

    /// Appends a piece of a text of the document that is being read.
    pub fn text(&mut self, piece: AnswerPiece, text: &[u8]) {
        // Some streams repeat the whole answer at their end.
        if self.error.is_some() || (piece.is_whole && !self.deltas.is_empty()) {
            return;
        }
        let bytes = self.bytes.len().saturating_add(text.len());
        if bytes > self.chars_max.saturating_mul(4) || self.pieces.len() >= VALUES_PER_DOCUMENT_MAX {
            return self.fail(CaptureError::TooLarge);
        }
        if self.bytes.extend(text).is_err() {
            return self.fail(CaptureError::NoMemory);
        }
        match self.pieces.last_mut() {
            Some((last, end)) if *last == piece => *end = bytes,
            _ => self.pieces.push((piece, bytes)),
        }
    }

    /// Marks this place of the document as not visible to the user.
    pub fn hide(&mut self, at: (u32, u32)) {
        if self.hidden.len() < VALUES_PER_DOCUMENT_MAX {
            self.hidden.push(at);
        } else {
            self.fail(CaptureError::TooLarge);
        }
    }

    /// Drops the answer and captures nothing more.
    fn fail(&mut self, error: CaptureError) {
        self.error.get_or_insert(error);
        self.discard();
        self.bytes.clear_to(0);
    }

    /// Ends the document that is being read. `numbers` returns the number of the choice with an ordinal, if the
    /// document names one.
    pub fn document(&mut self, kind: &str, numbers: impl Fn(u32) -> Option<u32>) {
        let (mut from, mut has_whole) = (0, false);
        for (piece, end) in core::mem::take(&mut self.pieces) {
            let text = self.bytes.bytes().get(from..end).unwrap_or_default();
            from = end;
            let is_of_kind = piece.kind.is_none_or(|wanted| wanted == kind);
            if !is_of_kind || self.hidden.contains(&piece.at) {
                continue;
            }
            if piece.is_in_choice {
                let number = numbers(piece.at.0).unwrap_or(piece.at.0);
                if *self.choice.get_or_insert(number) != number {
                    continue;
                }
            }
            if piece.is_whole {
                // The last whole answer counts.
                if !core::mem::replace(&mut has_whole, true) {
                    self.whole = BoundedText::new(&self.memory);
                }
                self.whole.push(text, self.chars_max);
            } else {
                self.deltas.push(text, self.chars_max);
            }
        }
        self.discard();
    }

    /// Drops the document that is being read.
    pub fn discard(&mut self) {
        self.pieces.clear();
        self.bytes.clear();
        self.hidden.clear();
    }

    /// Returns the answer.
    ///
    /// # Errors
    ///
    /// Fails if the answer was dropped.
    pub fn finish(self) -> Result<String, CaptureError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let text = if self.deltas.is_empty() { self.whole } else { self.deltas };
        text.to_text()
    }
}
