//! The checks of the demo: one per metric, which compares Envoy's values with what was sent.

use serde::Serialize;
use simulators::envoy::Stats;

use super::numbers::grouped;

/// The metrics that are compared, with the meaning of their values.
const COMPARED: [(&str, &str); 10] = [
    ("llm_requests_total", "exchanges by provider, model, status and error"),
    ("llm_tokens_total", "tokens as the providers reported them"),
    ("llm_token_details_total", "of them cached, written to a cache, or reasoning"),
    ("llm_usage_missing_total", "exchanges that should have reported usage and did not"),
    ("llm_feedback_total", "ratings by users"),
    ("llm_request_duration_milliseconds", "durations"),
    ("llm_time_to_first_byte_milliseconds", "first bytes"),
    ("llm_time_to_first_token_milliseconds", "first tokens"),
    ("llm_time_to_first_answer_milliseconds", "first answers"),
    ("llm_time_per_output_token_microseconds", "paces of whole streams"),
];

/// One comparison.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Check {
    /// The name of the metric, or of another subject.
    name: String,
    /// The description of the values that agree.
    result: String,
    agrees: bool,
    /// The differences, each with both values.
    differences: Vec<String>,
}

impl Check {
    pub(super) fn new(name: &str, result: String, differences: Vec<String>) -> Self {
        Self { name: name.to_owned(), result, agrees: differences.is_empty(), differences }
    }

    pub(super) fn agrees(&self) -> bool {
        self.agrees
    }

    /// Returns a line for the result, and below it one for each difference.
    pub(super) fn lines(&self) -> Vec<String> {
        const SHOWN: usize = 12;
        let mark = if self.agrees { '✓' } else { '✗' };
        let mut lines = vec![format!("{mark} {:<39} {}", self.name, self.result)];
        lines.extend(self.differences.iter().take(SHOWN).map(|difference| format!("    {difference}")));
        if self.differences.len() > SHOWN {
            lines.push(format!("    and {} more", self.differences.len() - SHOWN));
        }
        lines
    }
}

/// Compares every metric, and checks that no exchange is active.
pub(super) fn of_metrics(stats: &Stats, expected: &Stats) -> Vec<Check> {
    let mut checks: Vec<_> =
        COMPARED.iter().map(|(name, meaning)| of_metric(stats, expected, name, meaning)).collect();
    checks.push(at_rest(stats));
    checks
}

/// Checks that the gauge of active exchanges is back at 0.
pub(super) fn at_rest(stats: &Stats) -> Check {
    let running = stats.only(|series| series.name == "llm_active_requests");
    let differences =
        running.to_string().lines().filter(|line| !line.ends_with(" 0")).map(str::to_owned).collect();
    Check::new("llm_active_requests", "back at 0".into(), differences)
}

fn of_metric(stats: &Stats, expected: &Stats, name: &str, meaning: &str) -> Check {
    let counted = format!("{name}_count");
    // Estimates have their own label and are not compared: no provider sent them.
    let select = |stats: &Stats| {
        stats.only(|series| {
            let is_estimate = series.labels.get("source").is_some_and(|source| source == "estimated");
            (series.name == name || series.name == counted) && !is_estimate
        })
    };
    let (found, expected) = (select(stats), select(expected));
    let total = found.sum(name, &[]) + found.sum(&counted, &[]);
    let result = format!("{} {meaning}, {} series", grouped(total), found.len());
    Check::new(name, result, found.differences(&expected))
}

#[cfg(test)]
mod tests {
    use super::{Check, Stats, of_metrics};

    fn lines(found: &str) -> Vec<String> {
        let expected =
            Stats::parse("llm_requests_total{model=\"m\"} 3\nllm_time_to_first_byte_milliseconds_count 2");
        let checks = of_metrics(&Stats::parse(found).unwrap(), &expected.unwrap());
        checks.iter().filter(|check| !check.agrees()).flat_map(Check::lines).collect()
    }

    #[test]
    fn agreement_is_to_the_last_series() {
        let right = "llm_requests_total{model=\"m\"} 3\nllm_time_to_first_byte_milliseconds_count 2\n";
        assert_eq!(lines(right), Vec::<String>::new());
        assert_eq!(
            lines(&format!("{right}llm_tokens_total{{source=\"estimated\"}} 5")),
            Vec::<String>::new()
        );
        let more = lines(&format!("{right}llm_tokens_total{{source=\"reported\"}} 5"));
        assert!(more[0].starts_with("✗ llm_tokens_total"), "{more:#?}");
        assert!(more[1].ends_with("expected no such series, found 5"), "{more:#?}");
        let running = lines(&format!("{right}llm_active_requests{{provider=\"p\"}} 10"));
        assert!(running[1].ends_with(" 10"), "{running:#?}");
        assert_eq!(lines("").len(), 4);
    }
}
