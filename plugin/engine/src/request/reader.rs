//! The sink that connects the scanner to a [`RequestState`].

use super::RequestState;
use crate::formats::{self, Format, RequestField, RequestRule};
use crate::judge::capture::TextPart;
use crate::record::Gap;
use crate::scan::{At, Documents, Node, NodeId, Paths, Scalar, Sink};

/// The receiver of one request's document as it arrives.
pub(super) struct RequestReader<'a> {
    pub(super) state: &'a mut RequestState,
    pub(super) format: &'static Format,
    pub(super) paths: &'a Paths,
}

impl<'a> RequestReader<'a> {
    fn rules(&self, node: NodeId) -> impl Iterator<Item = &'static RequestRule> + use<'a> {
        let (paths, format) = (self.paths, self.format);
        let rules = paths.node(node).map(Node::rules).unwrap_or_default();
        rules.iter().filter_map(|rule| formats::rule(format.request, *rule))
    }

    /// Returns whether this path holds text of the prompt, and which text for a judge. The rules are only looked up
    /// if the exchange is sampled, which is rare.
    fn part(&self, node: NodeId) -> (bool, Option<TextPart>) {
        if self.state.capture.is_none() {
            return (true, None);
        }
        let rules = self.paths.node(node).map(Node::rules).unwrap_or_default();
        let mut parts = rules.iter().filter_map(|rule| match *rule {
            formats::POINTED => Some((false, Some(TextPart::Pointed))),
            rule => Some((true, part_of(formats::rule(self.format.request, rule)?.field))),
        });
        let first = parts.next().unwrap_or((true, None));
        parts.fold(first, |(was, part), (is, other)| (was || is, part.or(other)))
    }

    /// Records the role of a message.
    fn role(&mut self, word: &[u8]) {
        let Some(capture) = &mut self.state.capture else {
            return;
        };
        let mut words = self.format.roles.iter().copied().flatten();
        if let Some((_, role)) = words.find(|(known, _)| word.eq_ignore_ascii_case(known.as_bytes())) {
            capture.role(*role);
        }
    }

    /// Captures a scalar and ends its text. In evidence, numbers and booleans count as text too.
    fn show_scalar(&mut self, node: NodeId, value: Scalar<'_>) {
        let (_, part) = self.part(node);
        let (Some(capture), Some(part)) = (&mut self.state.capture, part) else {
            return;
        };
        let is_evidence = matches!(part, TextPart::ToolResult | TextPart::Document | TextPart::Pointed);
        match value {
            Scalar::Number(digits) if is_evidence => capture.text(part, digits.as_bytes()),
            Scalar::Bool(value) if is_evidence => capture.text(part, if value { b"true" } else { b"false" }),
            Scalar::Null | Scalar::Number(_) | Scalar::Bool(_) | Scalar::Text { .. } => {}
        }
        capture.end(part);
    }
}

/// Returns the text for a judge that a field holds. `None` if it holds none.
fn part_of(field: RequestField) -> Option<TextPart> {
    match field {
        RequestField::Text => Some(TextPart::Message),
        RequestField::Question => Some(TextPart::Question),
        RequestField::System => Some(TextPart::System),
        RequestField::ToolResult => Some(TextPart::ToolResult),
        RequestField::Document => Some(TextPart::Document),
        RequestField::Model
        | RequestField::Turn
        | RequestField::Role
        | RequestField::Aside
        | RequestField::Schema => None,
    }
}

impl Sink for RequestReader<'_> {
    fn open(&mut self, node: NodeId, _at: At) {
        for rule in self.rules(node) {
            if rule.field == RequestField::Turn {
                self.state.prompt.turns = self.state.prompt.turns.saturating_add(1);
                if let Some(capture) = &mut self.state.capture {
                    capture.next_message();
                }
            } else if rule.field == RequestField::Schema {
                self.state.prompt.values = self.state.prompt.values.saturating_add(1);
            }
        }
    }

    // Values count at once: the model was requested even if the body breaks off later.
    fn scalar(&mut self, node: NodeId, _at: At, value: Scalar<'_>) {
        for rule in self.rules(node) {
            match rule.field {
                RequestField::Model => {
                    if let Scalar::Text { start, empty: false } = value {
                        self.state.model = Some(String::from_utf8_lossy(start).into_owned());
                    }
                }
                RequestField::Role => {
                    if let Scalar::Text { start, .. } = value {
                        self.role(start);
                    }
                }
                RequestField::Schema => {
                    self.state.prompt.text.end();
                    self.state.prompt.values = self.state.prompt.values.saturating_add(1);
                }
                RequestField::Text
                | RequestField::Question
                | RequestField::System
                | RequestField::ToolResult
                | RequestField::Document
                | RequestField::Aside => self.state.prompt.text.end(),
                // A message that is not an object has no parts.
                RequestField::Turn => {}
            }
        }
        self.show_scalar(node, value);
    }

    // Long values of a request are always text.
    fn flow(&mut self, node: NodeId, _at: At, piece: &[u8]) {
        let (is_prompt, part) = self.part(node);
        if is_prompt {
            self.state.prompt.text.feed(piece);
        }
        if let (Some(capture), Some(part)) = (&mut self.state.capture, part) {
            capture.text(part, piece);
        }
    }

    fn flow_escaped(&mut self, _node: NodeId, _at: At, bytes: &[u8]) -> usize {
        match self.state.capture {
            Some(_) => 0, // the text itself is wanted
            None => self.state.prompt.text.feed_escaped(bytes),
        }
    }
}

impl Documents for RequestReader<'_> {
    fn document(&mut self) {}

    fn discard(&mut self) {}

    fn done_mark(&mut self) {}

    fn exception(&mut self, _kind: &[u8]) {}

    fn gap(&mut self, gap: Gap) {
        if !self.state.gaps.contains(&gap) {
            self.state.gaps.push(gap);
        }
    }
}
