//! Rules for texts that are only estimated by: no count shows an error in one, so each has to be in a case.

use std::collections::BTreeSet;

use llm_gauge_engine::formats::{self, Field, RequestField, ResponseField, Rule};
use llm_gauge_engine::record::Gap;
use llm_gauge_engine::scan::{Announced, At, Body, Documents, NodeId, Paths, Scalar, Sink};
use simulators::case::Case;

use crate::common;

/// A sink that looks for any text.
struct TextFinder {
    is_found: bool,
}

impl Sink for TextFinder {
    fn open(&mut self, _node: NodeId, _at: At) {}

    fn scalar(&mut self, _node: NodeId, _at: At, _value: Scalar<'_>) {}

    fn flow(&mut self, _node: NodeId, _at: At, piece: &[u8]) {
        self.is_found |= !piece.is_empty();
    }
}

impl Documents for TextFinder {
    fn document(&mut self) {}

    fn discard(&mut self) {}

    fn done_mark(&mut self) {}

    fn exception(&mut self, _kind: &[u8]) {}

    fn gap(&mut self, _gap: Gap) {}
}

fn has(body: &[u8], path: &'static str, head: Announced) -> bool {
    let mut paths = Paths::default();
    paths.add(path, 0, 0, true);
    let mut found = TextFinder { is_found: false };
    let mut read = Body::new(head, 1_000_000);
    read.feed(body, &paths, &mut found);
    read.finish(&paths, &mut found);
    found.is_found
}

/// Returns the rules whose texts are counted as tokens, without those that only test the existence of a text.
fn texts<F: Field>(rules: &'static [&'static [Rule<F>]], is_text: fn(F) -> bool) -> Vec<&'static str> {
    let all = || rules.iter().copied().flatten();
    let is_outer = |rule: &Rule<F>, other: &Rule<F>| {
        other.path.strip_prefix(rule.path).is_some_and(|rest| rest.starts_with('.'))
    };
    let texts = all().filter(|rule| is_text(rule.field) && rule.only.is_none());
    texts.filter(|rule| !all().any(|other| is_outer(rule, other))).map(|rule| rule.path).collect()
}

fn is_request_text(field: RequestField) -> bool {
    matches!(field, RequestField::Text | RequestField::Schema)
}

fn is_response_text(field: ResponseField) -> bool {
    matches!(field, ResponseField::Text | ResponseField::Generated | ResponseField::Whole)
}

/// Formats share rules, so a text has to be in a case of one of the formats with the rule.
#[test]
fn every_rule_for_estimated_text_is_in_a_case() {
    let cases = common::own_cases();
    let (mut wanted, mut shown) = (BTreeSet::new(), BTreeSet::new());
    for format in formats::ALL {
        let own: Vec<&Case> = cases.iter().filter(|case| case.folder == format.name).collect();
        let head = Announced { array_is_stream: format.array_is_stream, ..Announced::default() };
        for path in texts(format.request, is_request_text) {
            wanted.insert(("request", path));
            if own.iter().any(|case| has(&case.request_body, path, Announced::default())) {
                shown.insert(("request", path));
            }
        }
        for path in texts(format.response, is_response_text) {
            wanted.insert(("response", path));
            if own.iter().any(|case| has(&case.response_body, path, head)) {
                shown.insert(("response", path));
            }
        }
    }
    let without: Vec<_> = wanted.difference(&shown).collect();
    assert_eq!(without, [&("", ""); 0]);
}
