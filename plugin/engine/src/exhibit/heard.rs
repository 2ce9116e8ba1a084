//! The question and its context, from a request.

use llm_gauge_decode::MemoryBudget;

use super::{Lost, Source, Text};
use crate::head::Headers;

/// Where a piece of a request's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// In a message, whose role may be told before or after.
    Message,
    /// In what is the user's message whatever else there is.
    Question,
    /// In what the system says.
    System,
    /// In what a tool came to.
    ToolResult,
    /// In a document beside the messages.
    Document,
    /// At a place that the operator points to.
    Pointed,
}

/// The speaker of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The user; also of a message that names no speaker.
    #[default]
    User,
    /// The operator of the application.
    System,
    /// A tool, whose result the message is.
    Tool,
    /// The model, in an earlier answer.
    Model,
}

/// What is kept of a request.
#[derive(Debug)]
pub struct Heard {
    chars_max: usize,
    memory: MemoryBudget,
    has_system: bool,
    has_tools: bool,
    has_documents: bool,
    tags: Vec<String>,
    /// The user's last message so far.
    question: Text,
    /// No message takes its place.
    is_settled: bool,
    context: Text,
    /// The message under way.
    message: Text,
    role: Role,
}

impl Heard {
    /// Nothing but the head has been seen.
    pub fn new(sources: &[Source], chars_max: usize, head: &Headers<'_>, memory: &MemoryBudget) -> Self {
        let mut heard = Self {
            chars_max,
            memory: memory.clone(),
            has_system: sources.contains(&Source::System),
            has_tools: sources.contains(&Source::ToolResults),
            has_documents: sources.contains(&Source::Documents),
            tags: Vec::new(),
            question: Text::new(memory),
            is_settled: false,
            context: Text::new(memory),
            message: Text::new(memory),
            role: Role::User,
        };
        for source in sources {
            match source {
                Source::Tag(tag) => heard.tags.push(tag.clone()),
                Source::Header(name) => {
                    if let Some(value) = head.get(name) {
                        heard.context.push(value, chars_max);
                        heard.context.end();
                    }
                }
                _ => {}
            }
        }
        heard
    }

    /// A piece of a text.
    pub fn text(&mut self, part: Part, piece: &[u8]) {
        let chars_max = self.chars_max;
        if let Some(text) = self.place(part) {
            text.push(piece, chars_max);
        }
    }

    /// A text has ended.
    pub fn end(&mut self, part: Part) {
        if let Some(text) = self.place(part) {
            text.end();
        }
    }

    fn place(&mut self, part: Part) -> Option<&mut Text> {
        match part {
            // History is not shown: most of it is about something else.
            Part::Message if self.role == Role::Model => None,
            Part::Message => Some(&mut self.message),
            Part::Question => {
                if !self.is_settled {
                    (self.is_settled, self.question) = (true, Text::new(&self.memory));
                }
                Some(&mut self.question)
            }
            Part::System => self.has_system.then_some(&mut self.context),
            Part::ToolResult => self.has_tools.then_some(&mut self.context),
            Part::Document => self.has_documents.then_some(&mut self.context),
            Part::Pointed => Some(&mut self.context),
        }
    }

    /// Takes over the speaker of the message under way.
    pub fn role(&mut self, role: Role) {
        self.role = role;
        if role == Role::Model {
            self.message = Text::new(&self.memory);
        }
    }

    /// A message begins, or all have been seen.
    pub fn next_message(&mut self) {
        let message = core::mem::replace(&mut self.message, Text::new(&self.memory));
        let role = core::mem::take(&mut self.role);
        let is_context = match role {
            Role::System => self.has_system,
            Role::Tool => self.has_tools,
            Role::User | Role::Model => false,
        };
        if is_context {
            self.context.push(message.bytes.bytes(), self.chars_max);
            self.context.lost = self.context.lost.or(message.lost);
            self.context.end();
        } else if role == Role::User && !message.is_empty() && !self.is_settled {
            self.question = message;
        }
    }

    /// Keeps nothing more: there is no memory for what is to come.
    pub fn refuse(&mut self) {
        self.question.lost = Some(Lost::NoMemory);
        self.question.bytes.clear_to(0);
        self.is_settled = true;
    }

    /// The question, and what it is to be answered from.
    ///
    /// # Errors
    ///
    /// Either was lost.
    pub fn finish(mut self) -> Result<(String, String), Lost> {
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
        // What stands between tags may be what is too much.
        Ok((question, self.context.to_text()?))
    }
}

/// What stands before and behind the first `<TAG>`, or with `</` the first `</TAG>`.
fn split_at_mark<'a>(text: &'a str, open: &str, tag: &str) -> Option<(&'a str, &'a str)> {
    let mut seen: usize = 0;
    loop {
        let from = text.get(seen..)?;
        let at = from.find('<')?;
        let mark = from.get(at..)?;
        let behind = mark.strip_prefix(open).and_then(|rest| rest.strip_prefix(tag)?.strip_prefix('>'));
        if let Some(behind) = behind {
            return Some((text.get(..seen.saturating_add(at))?, behind));
        }
        seen = seen.saturating_add(at).saturating_add(1);
    }
}
