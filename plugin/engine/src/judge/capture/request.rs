//! Captures the question and its context from a request.

use llm_gauge_decode::MemoryBudget;

use super::{BoundedText, CaptureError, ContextSource};
use crate::head::Headers;

/// The place of a text in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextPart {
    /// The text of a message. The message's role may come before or after it.
    Message,
    /// The user's message, whatever other messages there are.
    Question,
    /// A system prompt.
    System,
    /// The result of a tool.
    ToolResult,
    /// A document beside the messages.
    Document,
    /// A value at a path that the operator has configured.
    Pointed,
}

/// The author of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The user. Also the author of a message that names no role.
    #[default]
    User,
    /// The application.
    System,
    /// A tool; the message is its result.
    Tool,
    /// The model, in an earlier turn.
    Model,
}

/// The captured texts of a request that is being read.
#[derive(Debug)]
pub struct RequestCapture {
    chars_max: usize,
    memory: MemoryBudget,
    has_system: bool,
    has_tools: bool,
    has_documents: bool,
    tags: Vec<String>,
    /// The user's last message so far.
    question: BoundedText,
    /// Whether later messages leave `question` unchanged.
    is_settled: bool,
    context: BoundedText,
    /// The message that is being read.
    message: BoundedText,
    role: Role,
}

impl RequestCapture {
    /// Begins a capture with the context that is in the request's head.
    pub fn new(
        sources: &[ContextSource],
        chars_max: usize,
        head: &Headers<'_>,
        memory: &MemoryBudget,
    ) -> Self {
        let mut capture = Self {
            chars_max,
            memory: memory.clone(),
            has_system: sources.contains(&ContextSource::System),
            has_tools: sources.contains(&ContextSource::ToolResults),
            has_documents: sources.contains(&ContextSource::Documents),
            tags: Vec::new(),
            question: BoundedText::new(memory),
            is_settled: false,
            context: BoundedText::new(memory),
            message: BoundedText::new(memory),
            role: Role::User,
        };
        for source in sources {
            match source {
                ContextSource::Tag(tag) => capture.tags.push(tag.clone()),
                ContextSource::Header(name) => {
                    if let Some(value) = head.get(name) {
                        capture.context.push(value, chars_max);
                        capture.context.end();
                    }
                }
                _ => {}
            }
        }
        capture
    }

    /// Appends a piece of a text.
    pub fn text(&mut self, part: TextPart, piece: &[u8]) {
        let chars_max = self.chars_max;
        if let Some(text) = self.place(part) {
            text.push(piece, chars_max);
        }
    }

    /// Ends a text; the next one begins a new line.
    pub fn end(&mut self, part: TextPart) {
        if let Some(text) = self.place(part) {
            text.end();
        }
    }

    fn place(&mut self, part: TextPart) -> Option<&mut BoundedText> {
        match part {
            // Earlier turns are left out: most of them are about something else.
            TextPart::Message if self.role == Role::Model => None,
            TextPart::Message => Some(&mut self.message),
            TextPart::Question => {
                if !self.is_settled {
                    (self.is_settled, self.question) = (true, BoundedText::new(&self.memory));
                }
                Some(&mut self.question)
            }
            TextPart::System => self.has_system.then_some(&mut self.context),
            TextPart::ToolResult => self.has_tools.then_some(&mut self.context),
            TextPart::Document => self.has_documents.then_some(&mut self.context),
            TextPart::Pointed => Some(&mut self.context),
        }
    }

    /// Sets the author of the message that is being read.
    pub fn role(&mut self, role: Role) {
        self.role = role;
        if role == Role::Model {
            self.message = BoundedText::new(&self.memory);
        }
    }

    /// Ends the message that is being read.
    pub fn next_message(&mut self) {
        let message = core::mem::replace(&mut self.message, BoundedText::new(&self.memory));
        let role = core::mem::take(&mut self.role);
        let is_context = match role {
            Role::System => self.has_system,
            Role::Tool => self.has_tools,
            Role::User | Role::Model => false,
        };
        if is_context {
            self.context.push(message.bytes.bytes(), self.chars_max);
            self.context.error = self.context.error.or(message.error);
            self.context.end();
        } else if role == Role::User && !message.is_empty() && !self.is_settled {
            self.question = message;
        }
    }

    /// Drops the question, since there is no memory for the rest of the request.
    pub fn refuse(&mut self) {
        self.question.error = Some(CaptureError::NoMemory);
        self.question.bytes.clear_to(0);
        self.is_settled = true;
    }

    /// Returns the question and its context.
    ///
    /// # Errors
    ///
    /// Fails if either was dropped.
    pub fn finish(mut self) -> Result<(String, String), CaptureError> {
        self.next_message();
        let mut question = self.question.to_text()?;
        for tag in &self.tags {
            let mut kept = String::new();
            let mut rest = question.as_str();
            while let Some((before, from)) = split_at_mark(rest, "<", tag)
                && let Some((inside, after)) = split_at_mark(from, "</", tag)
            {
                self.context.end();
                self.context.push(inside.trim_ascii().as_bytes(), self.chars_max);
                kept.push_str(before);
                rest = after;
            }
            kept.push_str(rest);
            question = kept;
        }
        // The text between tags may be the one over the bound.
        Ok((question, self.context.to_text()?))
    }
}

/// Returns the text before and after the first `<TAG>`, or the first `</TAG>` if `open` is `</`.
fn split_at_mark<'a>(text: &'a str, open: &str, tag: &str) -> Option<(&'a str, &'a str)> {
    let mut searched: usize = 0;
    loop {
        let from = text.get(searched..)?;
        let at = from.find('<')?;
        let mark = from.get(at..)?;
        let after = mark.strip_prefix(open).and_then(|rest| rest.strip_prefix(tag)?.strip_prefix('>'));
        if let Some(after) = after {
            return Some((text.get(..searched.saturating_add(at))?, after));
        }
        searched = searched.saturating_add(at).saturating_add(1);
    }
}
