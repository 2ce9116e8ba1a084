//! The sink between the scanner and a [`Reading`].

use super::Reading;
use super::pending::Pending;
use crate::estimate;
use crate::formats::{self, Field, Rule};
use crate::record::{Gap, Word};
use crate::scan::{At, Documents, Node, NodeId, Paths, Scalar, Sink};

/// Takes the documents of one response as they arrive.
#[derive(Debug)]
pub struct Reader<'a> {
    pub(super) reading: &'a mut Reading,
    pub(super) paths: &'a Paths,
    pub(super) now_ns: u64,
    /// Where text flowed last, and whether it is that of a whole answer: an escape cuts a text in two pieces.
    pub(super) flowed: Option<(NodeId, bool)>,
}

impl Reader<'_> {
    /// Whether text of a whole answer stands there.
    fn has_whole(&self, node: NodeId) -> bool {
        let rules = self.paths.node(node).map(Node::rules).unwrap_or_default();
        let mut rules = rules.iter().filter_map(|rule| formats::rule(self.reading.format.response, *rule));
        rules.any(|rule| rule.field == Field::Whole)
    }

    /// Where text that stands there is added to.
    fn answer(&mut self, node: NodeId) -> &mut estimate::Answer {
        let is_whole = match self.flowed {
            Some((last, is_whole)) if last == node => is_whole,
            _ => self.has_whole(node),
        };
        self.flowed = Some((node, is_whole));
        let texts = &mut self.reading.texts;
        if !is_whole {
            return &mut texts.deltas;
        }
        if core::mem::take(&mut texts.is_whole_over) {
            texts.whole = estimate::Answer::default();
        }
        &mut texts.whole
    }

    fn found(&mut self, node: NodeId, mut take: impl FnMut(&mut Pending, &Rule)) {
        let rules = self.paths.node(node).map(Node::rules).unwrap_or_default();
        for rule in rules {
            // KIND is no rule's number: what stands there goes to `scalar`.
            let Some(rule) = formats::rule(self.reading.format.response, *rule) else {
                continue;
            };
            // Every event of a stream repeats its id and model; only the first ones count.
            let is_settled = match rule.field {
                Field::Id => self.reading.id.is_some(),
                Field::Model => self.reading.model.is_some(),
                _ => false,
            };
            if !is_settled {
                take(&mut self.reading.pending, rule);
            }
        }
    }
}

impl Sink for Reader<'_> {
    fn open(&mut self, node: NodeId, at: At) {
        self.found(node, |pending, rule| pending.open(rule, at));
    }

    fn scalar(&mut self, node: NodeId, at: At, value: Scalar<'_>) {
        let rules = self.paths.node(node).map(Node::rules).unwrap_or_default();
        if rules.contains(&formats::KIND) {
            self.reading.pending.set_kind(value);
        }
        if self.has_whole(node) {
            self.reading.texts.whole.end();
        }
        self.found(node, |pending, rule| pending.scalar(rule, at, value));
    }

    // What flows counts at once, since no half of a document may be lost where a body is one.
    fn flow(&mut self, node: NodeId, _at: At, piece: &[u8]) {
        self.answer(node).feed(piece);
    }

    fn written(&mut self, node: NodeId, _at: At, bytes: &[u8]) -> usize {
        self.answer(node).written(bytes)
    }
}

impl Documents for Reader<'_> {
    fn document(&mut self) {
        self.reading.texts.is_whole_over = true;
        if self.reading.pending.is_overfull() {
            self.reading.add_gap(Gap::TooManyValues);
        }
        self.reading.apply(self.now_ns);
    }

    fn discard(&mut self) {
        self.reading.texts.is_whole_over = true;
        self.reading.pending.clear();
    }

    fn done_mark(&mut self) {
        self.reading.is_done = true;
    }

    fn exception(&mut self, kind: &[u8]) {
        self.reading.error_told = true;
        self.reading.error_type = Some(Word::Text(String::from_utf8_lossy(kind).into_owned()));
    }

    fn gap(&mut self, gap: Gap) {
        self.reading.add_gap(gap);
    }
}
