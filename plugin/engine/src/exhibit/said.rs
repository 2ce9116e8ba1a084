//! The answer, from a response.

use super::Text;
use crate::limits::VALUES_PER_DOCUMENT_MAX;

/// Where a piece of a response's text stands, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Ordinals in the outermost and the innermost array around it.
    pub at: (u32, u32),
    /// It counts in documents of this kind only.
    pub kind: Option<&'static str>,
    /// It is of a whole answer, not a delta.
    pub is_whole: bool,
    /// The outermost array is that of choices.
    pub is_in_choice: bool,
}

/// What is kept of a response.
#[derive(Debug)]
pub struct Said {
    chars_max: usize,
    /// The pieces of the document under way, each with where it ends in `bytes`.
    pieces: Vec<(Piece, usize)>,
    bytes: Vec<u8>,
    /// Places of that document that are not visible.
    hidden: Vec<(u32, u32)>,
    /// The first choice that spoke.
    choice: Option<u32>,
    deltas: Text,
    whole: Text,
    is_over: bool,
}

impl Said {
    /// Nothing has come.
    pub fn new(chars_max: usize) -> Self {
        Self {
            chars_max,
            pieces: Vec::new(),
            bytes: Vec::new(),
            hidden: Vec::new(),
            choice: None,
            deltas: Text::default(),
            whole: Text::default(),
            is_over: false,
        }
    }

    /// A piece of a text of the document under way.
    pub fn text(&mut self, piece: Piece, text: &[u8]) {
        // A stream that repeats its whole answer has it already.
        if self.is_over || (piece.is_whole && !self.deltas.is_empty()) {
            return;
        }
        let bytes = self.bytes.len().saturating_add(text.len());
        if bytes > self.chars_max.saturating_mul(4) || self.pieces.len() >= VALUES_PER_DOCUMENT_MAX {
            self.is_over = true;
            self.discard();
            return;
        }
        self.bytes.extend_from_slice(text);
        match self.pieces.last_mut() {
            Some((last, end)) if *last == piece => *end = bytes,
            _ => self.pieces.push((piece, bytes)),
        }
    }

    /// What stands at this place of the document is not visible.
    pub fn hide(&mut self, at: (u32, u32)) {
        if self.hidden.len() < VALUES_PER_DOCUMENT_MAX {
            self.hidden.push(at);
        } else {
            self.is_over = true;
        }
    }

    /// The document under way is whole: its kind, and the numbers that its choices say, by their ordinals.
    pub fn document(&mut self, kind: &str, numbers: impl Fn(u32) -> Option<u32>) {
        let (mut from, mut has_whole) = (0, false);
        for (piece, end) in core::mem::take(&mut self.pieces) {
            let text = self.bytes.get(from..end).unwrap_or_default();
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
                    self.whole = Text::default();
                }
                self.whole.push(text, self.chars_max);
            } else {
                self.deltas.push(text, self.chars_max);
            }
        }
        self.discard();
    }

    /// The document under way counts for nothing.
    pub fn discard(&mut self) {
        self.pieces.clear();
        self.bytes.clear();
        self.hidden.clear();
    }

    /// The answer; `None` if it is more than the bound.
    pub fn finish(self) -> Option<String> {
        let text = if self.deltas.is_empty() { self.whole } else { self.deltas };
        (!self.is_over && !text.is_over).then(|| text.into_string())
    }
}
