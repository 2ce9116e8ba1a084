//! The reading of scalars: whether a value is the one that a rule asks for, and whole numbers.

use crate::formats::ResponseRule;
use crate::scan::Scalar;

/// Returns whether a value is present, and is the one that the rule asks for, if it asks for one.
pub(super) fn matches_rule(rule: &ResponseRule, value: Scalar<'_>) -> bool {
    match (value, rule.only) {
        (Scalar::Null | Scalar::Bool(false), None) => false,
        (Scalar::Bool(true) | Scalar::Number(_), None) => true,
        (Scalar::Text { empty, .. }, None) => !empty,
        (Scalar::Text { start, .. }, Some(only)) => start == only.as_bytes(),
        (Scalar::Number(digits), Some(only)) => digits == only,
        (Scalar::Bool(value), Some(only)) => only == if value { "true" } else { "false" },
        (Scalar::Null, Some(only)) => only == "null",
    }
}

/// Returns an integer, also if it is written as `12.0` or `1.2e1`. `None` if the number has a fraction or is too
/// large.
pub(super) fn whole_number(digits: &str) -> Option<i64> {
    if let Ok(number) = digits.parse() {
        return Some(number);
    }
    let number: f64 = digits.parse().ok()?;
    // A float above 2^53 does not distinguish adjacent integers.
    let is_whole = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and in range, checked above")]
    is_whole.then_some(number as i64)
}
