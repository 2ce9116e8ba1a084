//! The sink that connects the scanner to a [`ResponseState`].

use super::ResponseState;
use super::event::PendingEvent;
use crate::estimate;
use crate::formats::{self, ResponseField, ResponseRule};
use crate::judge::capture::AnswerPiece;
use crate::record::Gap;
use crate::scan::{At, Documents, Node, NodeId, Paths, Scalar, Sink};

/// The receiver of one response's documents as they arrive.
#[derive(Debug)]
pub struct ResponseReader<'a> {
    pub(super) state: &'a mut ResponseState,
    pub(super) paths: &'a Paths,
    pub(super) now_ns: u64,
    /// The path of the last text, and whether it is of a whole answer. An escape splits a text in two pieces, so the
    /// next piece is often at the same path. `None` before the first text.
    pub(super) last_text: Option<(NodeId, bool)>,
}

impl ResponseReader<'_> {
    /// Returns whether this path holds the text of a whole answer.
    fn has_whole(&self, node: NodeId) -> bool {
        let rules = self.paths.node(node).map(Node::rules).unwrap_or_default();
        let mut rules = rules.iter().filter_map(|rule| formats::rule(self.state.format.response, *rule));
        rules.any(|rule| matches!(rule.field, ResponseField::Whole | ResponseField::WholeAside))
    }

    /// Returns the estimate to which the text at this path is added.
    fn answer(&mut self, node: NodeId) -> &mut estimate::AnswerTally {
        let is_whole = match self.last_text {
            Some((last, is_whole)) if last == node => is_whole,
            _ => self.has_whole(node),
        };
        self.last_text = Some((node, is_whole));
        self.state.texts.open(is_whole)
    }

    /// Captures a piece of text, if the exchange is sampled and the path holds text for a judge.
    fn capture_text(&mut self, node: NodeId, at: At, text: &[u8]) {
        let (Some(capture), Some(node)) = (&mut self.state.capture, self.paths.node(node)) else {
            return;
        };
        let format = self.state.format;
        let rules = node.rules().iter().filter_map(|rule| formats::rule(format.response, *rule));
        for rule in rules.filter(|rule| matches!(rule.field, ResponseField::Text | ResponseField::Whole)) {
            let is_whole = rule.field == ResponseField::Whole;
            let is_in_choice = formats::is_in_choice(format, rule.path);
            capture.text(
                AnswerPiece { at: (at.outer, at.inner), kind: rule.kind, is_whole, is_in_choice },
                text,
            );
        }
    }

    /// Marks the text beside this value as invisible, if the value says so.
    fn hide(&mut self, node: NodeId, at: At, value: Scalar<'_>) {
        if self.state.capture.is_none() || value == Scalar::Bool(false) || value == Scalar::Null {
            return;
        }
        let mut is_hidden = false;
        self.for_each_rule(node, |_, rule| is_hidden |= rule.field == ResponseField::Hidden);
        if let Some(capture) = self.state.capture.as_mut().filter(|_| is_hidden) {
            capture.hide((at.outer, at.inner));
        }
    }

    fn for_each_rule(&mut self, node: NodeId, mut take: impl FnMut(&mut PendingEvent, &ResponseRule)) {
        let rules = self.paths.node(node).map(Node::rules).unwrap_or_default();
        for rule in rules {
            // `KIND` is not the number of a rule: `scalar` has already handled that path.
            let Some(rule) = formats::rule(self.state.format.response, *rule) else {
                continue;
            };
            // Every event of a stream repeats its id and model, and only the first ones count.
            let is_settled = (rule.field == ResponseField::Id && self.state.id.is_some())
                || (rule.field == ResponseField::Model && self.state.model.is_some());
            if !is_settled {
                take(&mut self.state.event, rule);
            }
        }
    }
}

impl Sink for ResponseReader<'_> {
    fn open(&mut self, node: NodeId, at: At) {
        self.for_each_rule(node, |event, rule| event.open(rule, at));
    }

    fn scalar(&mut self, node: NodeId, at: At, value: Scalar<'_>) {
        let rules = self.paths.node(node).map(Node::rules).unwrap_or_default();
        if rules.contains(&formats::KIND) {
            self.state.event.set_kind(value);
        }
        if self.has_whole(node) {
            self.state.texts.end_whole();
        }
        self.hide(node, at, value);
        self.for_each_rule(node, |event, rule| event.scalar(rule, at, value));
    }

    // Text counts at once and not at the end of its document, since a unary body that breaks off would lose it.
    fn flow(&mut self, node: NodeId, at: At, piece: &[u8]) {
        self.answer(node).feed(piece);
        self.capture_text(node, at, piece);
    }

    fn flow_escaped(&mut self, node: NodeId, _at: At, bytes: &[u8]) -> usize {
        match self.state.capture {
            Some(_) => 0, // the text itself is wanted
            None => self.answer(node).feed_escaped(bytes),
        }
    }
}

impl Documents for ResponseReader<'_> {
    fn document(&mut self) {
        self.state.texts.end_document();
        if self.state.event.is_overfull() {
            self.state.add_gap(Gap::TooManyValues);
        }
        if self.state.event.is_out_of_memory() {
            self.state.add_gap(Gap::Memory);
        }
        self.state.apply(self.now_ns);
    }

    fn discard(&mut self) {
        self.state.texts.end_document();
        self.state.event.clear();
        if let Some(capture) = &mut self.state.capture {
            capture.discard();
        }
    }

    fn done_mark(&mut self) {
        self.state.is_done = true;
    }

    fn exception(&mut self, kind: &[u8]) {
        self.state.error.set_exception(kind);
    }

    fn gap(&mut self, gap: Gap) {
        self.state.add_gap(gap);
    }
}
