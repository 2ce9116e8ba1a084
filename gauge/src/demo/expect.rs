//! The values that the metrics must have: requests by the actions of the clients, tokens by the usage that the
//! providers sent.

use std::collections::BTreeMap;

use simulators::envoy::Stats;
use simulators::provider::ledger::Totals;

use super::mix::{Course, PlannedExchange};

/// Returns the labels `status` and `error` of an exchange.
pub(super) fn outcome(course: &Course) -> (&'static str, &'static str) {
    match course {
        Course::Answered | Course::Unreported => ("success", "none"),
        Course::Refused(_, class) => ("error", class),
        Course::Failed => ("error", "in_stream"),
        Course::Broken(_) | Course::Closed => ("error", "upstream_reset"),
        Course::Left | Course::LeftEarly(_) => ("cancelled", "client_cancelled"),
    }
}

/// Adds the values of one exchange to the expected metrics, without its tokens.
pub(super) fn exchange(expected: &mut Stats, planned: &PlannedExchange) {
    let model = planned.model;
    let (status, error) = outcome(&planned.course);
    let labels = [("provider", model.provider), ("model", model.name)];
    let of_operation = [labels[0], labels[1], ("operation", model.operation)];
    let of_outcome = [labels[0], labels[1], of_operation[2], ("status", status), ("error", error)];
    expected.add("llm_requests_total", &of_outcome, 1);
    expected.add("llm_request_duration_milliseconds_count", &of_operation, 1);
    if !matches!(planned.course, Course::LeftEarly(_)) {
        expected.add("llm_time_to_first_byte_milliseconds_count", &labels, 1);
    }
    let is_silent = matches!(planned.course, Course::Refused(..) | Course::LeftEarly(_) | Course::Closed);
    if planned.stream && !is_silent {
        expected.add("llm_time_to_first_token_milliseconds_count", &labels, 1);
        expected.add("llm_time_to_first_answer_milliseconds_count", &labels, 1);
    }
    if planned.stream && planned.course == Course::Answered {
        expected.add("llm_time_per_output_token_microseconds_count", &labels, 1);
    }
    if let Some(rating) = planned.rating {
        expected.add("llm_feedback_total", &[labels[1], ("rating", rating)], 1);
    }
    if let Some(reason) = missing(planned) {
        expected.add("llm_usage_missing_total", &[labels[0], labels[1], ("reason", reason)], 1);
    }
}

/// Returns the reason why an exchange has no usage, `None` if it has usage or needs none. The usage at the start of
/// Anthropic's streams does not count, because the output is only reported at the end.
fn missing(planned: &PlannedExchange) -> Option<&'static str> {
    match planned.course {
        Course::LeftEarly(_) | Course::Left => Some("cancelled"),
        Course::Broken(_) => Some("upstream_reset"),
        Course::Failed | Course::Unreported => Some("not_sent"),
        Course::Answered | Course::Refused(..) | Course::Closed => None,
    }
}

/// Adds the tokens that a provider sent.
pub(super) fn tokens(expected: &mut Stats, provider: &str, totals: &BTreeMap<String, Totals>) {
    for (model, totals) in totals {
        let sent = totals.reported;
        let labels = |kind| [("provider", provider), ("model", model.as_str()), ("type", kind)];
        for (kind, count) in [("input", sent.input), ("output", sent.output)] {
            let [provider, model, kind] = labels(kind);
            if count > 0 {
                expected.add("llm_tokens_total", &[provider, model, kind, ("source", "reported")], count);
            }
        }
        let details =
            [("cached_input", sent.cached), ("cache_write", sent.cache_write), ("reasoning", sent.reasoning)];
        for (kind, count) in details.into_iter().filter(|(_, count)| *count > 0) {
            expected.add("llm_token_details_total", &labels(kind), count);
        }
    }
}
