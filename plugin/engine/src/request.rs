//! What the request asks for, read from its body as it passes.

use llm_gauge_decode::Bounds;

use crate::estimate::Prompt;
use crate::exhibit::{Heard, Part};
use crate::formats::{self, Field, Format};
use crate::head::Headers;
use crate::record::Gap;
use crate::scan::{Announced, At, Body, Documents, Form, Node, NodeId, Paths, Scalar, Sink};

/// What is known of the request.
#[derive(Debug)]
pub struct Asked {
    body: Option<Body>,
    form: Option<Form>,
    /// The model that is asked for.
    pub model: Option<String>,
    /// Whether a stream is asked for.
    pub stream: Option<bool>,
    /// What goes to the model.
    pub prompt: Prompt,
    /// What of it a judge may be shown; there while the exchange is sampled.
    pub heard: Option<Box<Heard>>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

impl Asked {
    /// Nothing read yet. Content types are guesses of clients, so all but those that cannot hold JSON are read.
    pub fn new(
        head: &Headers<'_>,
        model_in_path: Option<String>,
        event_bytes_max: u64,
        bounds: Bounds,
    ) -> Self {
        let content_type = head.get("content-type").unwrap_or_default().to_ascii_lowercase();
        let form = Form::announced(head.get("content-type").unwrap_or_default());
        let is_other = ["multipart/", "audio/", "image/", "application/octet-stream"];
        let is_other = is_other.iter().any(|start| content_type.starts_with(start.as_bytes()));
        let encoding = head.content_encoding();
        let is_encoded = !encoding.is_empty();
        let plain = (!is_other).then(|| Body::new(Announced::default(), event_bytes_max));
        let body = plain.and_then(|body| match is_encoded {
            true => body.encoded(&encoding, bounds),
            false => Some(body),
        });
        let is_unknown = is_encoded && !is_other && body.is_none();
        Self {
            body,
            form: form.filter(|_| !is_encoded),
            model: model_in_path,
            stream: None,
            prompt: Prompt::default(),
            heard: None,
            gaps: if is_unknown { vec![Gap::UnknownEncoding] } else { Vec::new() },
        }
    }

    /// Bytes of the body.
    pub fn feed(&mut self, bytes: &[u8], format: &'static Format, paths: &Paths) {
        if let Some(form) = &mut self.form {
            form.feed(bytes, |name, value| {
                if name == b"model" && !value.is_empty() {
                    self.model = Some(String::from_utf8_lossy(value).into_owned());
                }
            });
        }
        self.read(format, paths, |body, reader| body.feed(bytes, paths, reader));
    }

    /// The body has ended; later calls change nothing.
    pub fn finish(&mut self, format: &'static Format, paths: &Paths) {
        self.read(format, paths, |body, reader| body.finish(paths, reader));
        self.body = None;
        self.form = None;
    }

    /// Nothing more of the body is read, for this reason.
    pub fn stop(&mut self, gap: Gap) {
        self.body = None;
        self.form = None;
        if let Some(heard) = &mut self.heard {
            heard.refuse();
        }
        if !self.gaps.contains(&gap) {
            self.gaps.push(gap);
        }
    }

    fn read(
        &mut self,
        format: &'static Format,
        paths: &Paths,
        read: impl FnOnce(&mut Body, &mut Reader<'_>),
    ) {
        if let Some(mut body) = self.body.take() {
            let mut reader = Reader { asked: self, format, paths };
            read(&mut body, &mut reader);
            self.body = Some(body);
        }
    }
}

struct Reader<'a> {
    asked: &'a mut Asked,
    format: &'static Format,
    paths: &'a Paths,
}

impl Reader<'_> {
    /// Whether what stands there is text of the prompt, and what a judge may be shown of it. Nobody is asked in the
    /// usual case, that nothing is shown.
    fn part(&self, node: NodeId) -> (bool, Option<Part>) {
        if self.asked.heard.is_none() {
            return (true, None);
        }
        let rules = self.paths.node(node).map(Node::rules).unwrap_or_default();
        let mut parts = rules.iter().filter_map(|rule| match *rule {
            formats::POINTED => Some((false, Some(Part::Pointed))),
            rule => Some((true, part_of(formats::rule(self.format.request, rule)?.field))),
        });
        let first = parts.next().unwrap_or((true, None));
        parts.fold(first, |(was, part), (is, other)| (was || is, part.or(other)))
    }

    /// A value has ended. Of evidence, numbers tell as much as strings.
    fn show_scalar(&mut self, node: NodeId, value: Scalar<'_>) {
        let (_, part) = self.part(node);
        let (Some(heard), Some(part)) = (&mut self.asked.heard, part) else {
            return;
        };
        let is_evidence = matches!(part, Part::ToolResult | Part::Document | Part::Pointed);
        match value {
            Scalar::Number(digits) if is_evidence => heard.text(part, digits.as_bytes()),
            Scalar::Bool(value) if is_evidence => heard.text(part, if value { b"true" } else { b"false" }),
            _ => {}
        }
        heard.end(part);
    }
}

/// What a judge may be shown of a field.
fn part_of(field: Field) -> Option<Part> {
    match field {
        Field::Text => Some(Part::Message),
        Field::Question => Some(Part::Question),
        Field::System => Some(Part::System),
        Field::ToolResult => Some(Part::ToolResult),
        Field::Document => Some(Part::Document),
        _ => None,
    }
}

impl Sink for Reader<'_> {
    fn open(&mut self, node: NodeId, _at: At) {
        let rules = self.paths.node(node).map(Node::rules).unwrap_or_default();
        let rules = rules.iter().filter_map(|rule| formats::rule(self.format.request, *rule));
        for rule in rules {
            match rule.field {
                Field::Turn => {
                    self.asked.prompt.turns = self.asked.prompt.turns.saturating_add(1);
                    if let Some(heard) = &mut self.asked.heard {
                        heard.next_message();
                    }
                }
                Field::Schema => self.asked.prompt.values = self.asked.prompt.values.saturating_add(1),
                _ => {}
            }
        }
    }

    // Values count at once: a model read from a body that breaks off later was still asked for.
    fn scalar(&mut self, node: NodeId, _at: At, value: Scalar<'_>) {
        let rules = self.paths.node(node).map(Node::rules).unwrap_or_default();
        let rules = rules.iter().filter_map(|rule| formats::rule(self.format.request, *rule));
        for rule in rules {
            match (rule.field, value) {
                (Field::Model, Scalar::Text { start, empty: false }) => {
                    self.asked.model = Some(String::from_utf8_lossy(start).into_owned());
                }
                (Field::Stream, Scalar::Bool(stream)) => self.asked.stream = Some(stream),
                (Field::Role, Scalar::Text { start, .. }) => {
                    if let Some(heard) = &mut self.asked.heard {
                        heard.role(start);
                    }
                }
                (Field::Schema, _) => {
                    self.asked.prompt.text.end();
                    self.asked.prompt.values = self.asked.prompt.values.saturating_add(1);
                }
                (field, _) if field.is_text() => self.asked.prompt.text.end(),
                _ => {}
            }
        }
        self.show_scalar(node, value);
    }

    // What flows in a request is text and nothing else.
    fn flow(&mut self, node: NodeId, _at: At, piece: &[u8]) {
        let (is_prompt, part) = self.part(node);
        if is_prompt {
            self.asked.prompt.text.feed(piece);
        }
        if let (Some(heard), Some(part)) = (&mut self.asked.heard, part) {
            heard.text(part, piece);
        }
    }

    fn written(&mut self, _node: NodeId, _at: At, bytes: &[u8]) -> usize {
        match self.asked.heard {
            Some(_) => 0, // it wants the text itself
            None => self.asked.prompt.text.written(bytes),
        }
    }
}

impl Documents for Reader<'_> {
    fn document(&mut self) {}

    fn discard(&mut self) {}

    fn done_mark(&mut self) {}

    fn exception(&mut self, _kind: &[u8]) {}

    fn gap(&mut self, gap: Gap) {
        if !self.asked.gaps.contains(&gap) {
            self.asked.gaps.push(gap);
        }
    }
}

#[cfg(test)]
mod tests;
