//! The places that a row's rules want, for the scanner; and a rule by its number there.

use super::{Field, Format, ReadDepth, ResponseField, Rule};
use crate::limits::SCALAR_BYTES_MAX;
use crate::scan::Paths;

/// The number under which [`paths`] has the place of a document's kind.
pub const KIND: u16 = u16::MAX;

/// The number under which a request has the places that the operator wants shown to a judge.
pub const POINTED: u16 = u16::MAX - 1;

/// Returns the places that `rules` want for what is `wanted`, and the place of a document's kind unless it is empty.
pub fn paths<F: Field>(rules: &[&[Rule<F>]], kind: &'static str, wanted: ReadDepth) -> Paths {
    let mut paths = Paths::default();
    if !kind.is_empty() {
        paths.add(kind, KIND, SCALAR_BYTES_MAX, false);
    }
    for (part, rules) in (0u8..).zip(rules) {
        for (number, rule) in (0u8..).zip(*rules) {
            if rule.field.read_depth() > wanted {
                continue;
            }
            paths.add(
                rule.path,
                u16::from_be_bytes([part, number]),
                rule.text_bytes(),
                wanted > ReadDepth::Counts && rule.flows(),
            );
        }
    }
    paths
}

/// Returns the rule with this number.
pub fn rule<'a, F>(rules: &[&'a [Rule<F>]], number: u16) -> Option<&'a Rule<F>> {
    let [part, number] = number.to_be_bytes();
    rules.get(usize::from(part))?.get(usize::from(number))
}

/// Returns whether the format has a last mark of its own. Without one, a stream ends with its choices.
pub fn has_last(format: &Format) -> bool {
    format.response.iter().copied().flatten().any(|rule| rule.field == ResponseField::Last)
}

/// Returns whether `path` is inside the array whose elements are choices.
pub fn is_in_choice(format: &Format, path: &str) -> bool {
    let outermost = |path: &'static str| path.split_once("[]").map(|(array, _)| array);
    let mut choices =
        format.response.iter().copied().flatten().filter(|rule| rule.field == ResponseField::Choice);
    choices.any(|rule| {
        outermost(rule.path).is_some_and(|array| path.starts_with([array, "[]"].concat().as_str()))
    })
}
