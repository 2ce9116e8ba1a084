//! The sink between the scanner and a [`Reading`].

use super::Reading;
use super::pending::Pending;
use crate::estimate;
use crate::exhibit::Piece;
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
        rules.any(|rule| matches!(rule.field, Field::Whole | Field::WholeAside))
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

    /// Keeps a piece of text that a judge may be shown, if anything is kept.
    fn show(&mut self, node: NodeId, at: At, text: &[u8]) {
        let (Some(said), Some(node)) = (&mut self.reading.said, self.paths.node(node)) else {
            return;
        };
        let format = self.reading.format;
        let rules = node.rules().iter().filter_map(|rule| formats::rule(format.response, *rule));
        for rule in rules.filter(|rule| matches!(rule.field, Field::Text | Field::Whole)) {
            let is_whole = rule.field == Field::Whole;
            let is_in_choice = formats::is_in_choice(format, rule.path);
            said.text(Piece { at: (at.outer, at.inner), kind: rule.kind, is_whole, is_in_choice }, text);
        }
    }

    /// What stands beside this is not visible.
    fn hide(&mut self, node: NodeId, at: At, value: Scalar<'_>) {
        if self.reading.said.is_none() || value == Scalar::Bool(false) || value == Scalar::Null {
            return;
        }
        let mut is_hidden = false;
        self.found(node, |_, rule| is_hidden |= rule.field == Field::Hidden);
        if let Some(said) = self.reading.said.as_mut().filter(|_| is_hidden) {
            said.hide((at.outer, at.inner));
        }
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
        self.hide(node, at, value);
        self.found(node, |pending, rule| pending.scalar(rule, at, value));
    }

    // What flows counts at once, since no half of a document may be lost where a body is one.
    fn flow(&mut self, node: NodeId, at: At, piece: &[u8]) {
        self.answer(node).feed(piece);
        self.show(node, at, piece);
    }

    fn written(&mut self, node: NodeId, _at: At, bytes: &[u8]) -> usize {
        match self.reading.said {
            Some(_) => 0, // it wants the text itself
            None => self.answer(node).written(bytes),
        }
    }
}

impl Documents for Reader<'_> {
    fn document(&mut self) {
        self.reading.texts.is_whole_over = true;
        if self.reading.pending.is_overfull() {
            self.reading.add_gap(Gap::TooManyValues);
        }
        if self.reading.pending.is_out_of_memory() {
            self.reading.add_gap(Gap::Memory);
        }
        self.reading.apply(self.now_ns);
    }

    fn discard(&mut self) {
        self.reading.texts.is_whole_over = true;
        self.reading.pending.clear();
        if let Some(said) = &mut self.reading.said {
            said.discard();
        }
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
