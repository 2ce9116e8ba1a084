//! The table of metrics with their kinds and labels, and the encoding of labels in a stat's name.

/// A metric of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The name, with the unit last.
    pub name: &'static str,
    /// The kind of metric.
    pub kind: MetricKind,
    /// The labels, in the order in which they are written.
    pub labels: &'static [&'static str],
    /// Whether the operator's extra labels are added.
    pub is_per_exchange: bool,
}

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// A value that only grows.
    Counter,
    /// A value that grows and shrinks.
    Gauge,
    /// A distribution, whose sum Envoy only approximates.
    Histogram,
}

/// An update of one stat. The stat's name is the one in the host, with labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatUpdate {
    /// Adds to a counter.
    Count {
        /// The stat's name.
        stat: String,
        /// The increment, at least 1.
        by: u64,
    },
    /// Records a value in a histogram.
    Observe {
        /// The stat's name.
        stat: String,
        /// The value, in the unit of the metric's name.
        value: u64,
    },
    /// Adds to a gauge, or subtracts from it.
    Add {
        /// The stat's name.
        stat: String,
        /// The difference.
        by: i64,
    },
    /// Sets a gauge.
    Set {
        /// The stat's name.
        stat: String,
        /// The new value.
        value: u64,
    },
}

const fn metric(name: &'static str, kind: MetricKind, labels: &'static [&'static str]) -> Metric {
    Metric { name, kind, labels, is_per_exchange: true }
}

const fn without_extra_labels(
    name: &'static str,
    kind: MetricKind,
    labels: &'static [&'static str],
) -> Metric {
    Metric { name, kind, labels, is_per_exchange: false }
}

/// The exchanges that have ended.
pub const REQUESTS: Metric =
    metric("llm_requests_total", MetricKind::Counter, &["provider", "model", "operation", "status", "error"]);
/// The exchanges in progress.
pub const ACTIVE_REQUESTS: Metric =
    without_extra_labels("llm_active_requests", MetricKind::Gauge, &["provider"]);
/// The time from the request's head to the end of the response.
pub const REQUEST_DURATION: Metric =
    metric("llm_request_duration_milliseconds", MetricKind::Histogram, &["provider", "model", "operation"]);
/// The time from the request's head to the first byte of the response's body.
pub const TIME_TO_FIRST_BYTE: Metric =
    metric("llm_time_to_first_byte_milliseconds", MetricKind::Histogram, &["provider", "model"]);
/// The time from the request's head to the first generated delta of any kind.
pub const TIME_TO_FIRST_TOKEN: Metric =
    metric("llm_time_to_first_token_milliseconds", MetricKind::Histogram, &["provider", "model"]);
/// The time from the request's head to the first visible text.
pub const TIME_TO_FIRST_ANSWER: Metric =
    metric("llm_time_to_first_answer_milliseconds", MetricKind::Histogram, &["provider", "model"]);
/// The mean time between output tokens: (last delta - first delta) / (output tokens - 1).
pub const TIME_PER_OUTPUT_TOKEN: Metric =
    metric("llm_time_per_output_token_microseconds", MetricKind::Histogram, &["provider", "model"]);
/// The inclusive counts of tokens.
pub const TOKENS: Metric =
    metric("llm_tokens_total", MetricKind::Counter, &["provider", "model", "type", "source"]);
/// The parts of the inclusive counts.
pub const TOKEN_DETAILS: Metric =
    metric("llm_token_details_total", MetricKind::Counter, &["provider", "model", "type"]);
/// The exchanges that ended without the usage they should have had.
pub const USAGE_MISSING: Metric =
    metric("llm_usage_missing_total", MetricKind::Counter, &["provider", "model", "reason"]);
/// The cost by class of tokens, in 1e-9 dollars.
pub const COST: Metric =
    metric("llm_cost_nanodollars_total", MetricKind::Counter, &["provider", "model", "type"]);
/// The tokens that have no price in the price table.
pub const UNPRICED_TOKENS: Metric =
    metric("llm_unpriced_tokens_total", MetricKind::Counter, &["provider", "model"]);
/// The exchanges that are sampled for a judge. Equals the sum of the outcomes when none is in progress.
pub const JUDGE_SAMPLED: Metric =
    without_extra_labels("llm_judge_sampled_total", MetricKind::Counter, &["model"]);
/// The outcomes of judging.
pub const JUDGE_OUTCOMES: Metric =
    without_extra_labels("llm_judge_outcomes_total", MetricKind::Counter, &["model", "outcome"]);
/// The number of scores.
pub const EVALUATIONS: Metric =
    without_extra_labels("llm_evaluations_total", MetricKind::Counter, &["model", "criterion", "score"]);
/// The sum of scores.
pub const EVALUATION_POINTS: Metric =
    without_extra_labels("llm_evaluation_points_total", MetricKind::Counter, &["model", "criterion"]);
/// The verdicts on hallucination.
pub const HALLUCINATIONS: Metric =
    without_extra_labels("llm_hallucinations_total", MetricKind::Counter, &["model", "verdict"]);
/// The duration of a call to a judge.
pub const JUDGE_DURATION: Metric =
    without_extra_labels("llm_judge_duration_milliseconds", MetricKind::Histogram, &["model"]);
/// The tokens that judges used.
pub const JUDGE_TOKENS: Metric =
    without_extra_labels("llm_judge_tokens_total", MetricKind::Counter, &["type"]);
/// The cost of judges, in 1e-9 dollars.
pub const JUDGE_COST: Metric =
    without_extra_labels("llm_judge_cost_nanodollars_total", MetricKind::Counter, &[]);
/// The scores of two judges that differ by two or more, or are one `yes` and one `no`.
pub const JUDGE_DISAGREEMENT: Metric =
    without_extra_labels("llm_judge_disagreement_total", MetricKind::Counter, &["criterion"]);
/// The ratings that users gave to answers.
pub const FEEDBACK: Metric =
    without_extra_labels("llm_feedback_total", MetricKind::Counter, &["model", "rating"]);
/// The label values replaced by `other`.
pub const SERIES_OVERFLOW: Metric =
    without_extra_labels("llm_gauge_series_overflow_total", MetricKind::Counter, &["limit"]);
/// The spans and events that no receiver accepted, and the exchanges that are not metered for lack of memory.
pub const DROPPED: Metric = without_extra_labels("llm_gauge_dropped_total", MetricKind::Counter, &["kind"]);
/// The bodies, or parts of them, that could not be read.
pub const GAPS: Metric = without_extra_labels("llm_gauge_gaps_total", MetricKind::Counter, &["reason"]);
/// The requests with JSON that are not metered, although a provider's request might look like that.
pub const UNMATCHED: Metric =
    without_extra_labels("llm_gauge_unmatched_total", MetricKind::Counter, &["reason"]);
/// The build, as labels of a constant 1.
pub const BUILD_INFO: Metric =
    without_extra_labels("llm_gauge_build_info", MetricKind::Gauge, &["version", "config", "prices"]);

/// Every metric that this build can emit.
pub const ALL: &[Metric] = &[
    REQUESTS,
    ACTIVE_REQUESTS,
    REQUEST_DURATION,
    TIME_TO_FIRST_BYTE,
    TIME_TO_FIRST_TOKEN,
    TIME_TO_FIRST_ANSWER,
    TIME_PER_OUTPUT_TOKEN,
    TOKENS,
    TOKEN_DETAILS,
    USAGE_MISSING,
    COST,
    UNPRICED_TOKENS,
    JUDGE_SAMPLED,
    JUDGE_OUTCOMES,
    EVALUATIONS,
    EVALUATION_POINTS,
    HALLUCINATIONS,
    JUDGE_DURATION,
    JUDGE_TOKENS,
    JUDGE_COST,
    JUDGE_DISAGREEMENT,
    FEEDBACK,
    SERIES_OVERFLOW,
    DROPPED,
    GAPS,
    UNMATCHED,
    BUILD_INFO,
];

/// Returns the names of all labels, without the operator's extra labels.
pub fn label_names() -> Vec<&'static str> {
    let mut names: Vec<_> = ALL.iter().flat_map(|metric| metric.labels).copied().collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether this is a valid label name: a Prometheus label name in lower case.
pub fn is_label_name(name: &str) -> bool {
    let mut letters = name.bytes();
    letters.next().is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_')
}

/// Returns the stat's name for these label values: `NAME.label=.=value;.;.label=.=value;.;`. The `stats_tags` of the
/// bootstrap configuration turn it into labels.
pub fn stat<'a>(metric: &Metric, labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut stat = String::with_capacity(160);
    stat.push_str(metric.name);
    labels.for_each(|(name, value)| push_label(&mut stat, name, value));
    stat
}

/// Returns these labels as they are written in a stat's name.
pub fn labels<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::with_capacity(96);
    labels.for_each(|(name, value)| push_label(&mut text, name, value));
    text
}

/// Appends a label to a stat's name.
pub fn push_label(stat: &mut String, name: &str, value: &str) {
    stat.push('.');
    stat.push_str(name);
    stat.push_str("=.=");
    push_value(stat, value);
    stat.push_str(";.;");
}

/// Returns `value` as it is written in a stat's name.
pub fn label_value(value: &str) -> String {
    let mut label = String::new();
    push_value(&mut label, value);
    label
}

fn push_value(stat: &mut String, value: &str) {
    if value.is_empty() {
        stat.push_str("unknown");
        return;
    }
    // Nearly every value passes this check, which looks at each byte once.
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b';' | b'=');
    let fits = value.len() <= crate::limits::LABEL_BYTES_MAX && !value.ends_with('.');
    if fits && value.as_bytes().iter().all(is_plain) {
        stat.push_str(value);
        return;
    }
    let end = stat.len().saturating_add(crate::limits::LABEL_BYTES_MAX);
    let mut previous = '\0';
    for letter in value.chars() {
        // `;.` begins the mark after a value and would end the value early. `=.` belongs to the mark before a value:
        // with it a model's name could pass for another label.
        let breaks = letter.is_control() || (letter == '.' && matches!(previous, ';' | '='));
        let letter = if breaks { '_' } else { letter };
        if stat.len().saturating_add(letter.len_utf8()) > end {
            break;
        }
        stat.push(letter);
        previous = letter;
    }
    // Envoy drops dots at the end of a label, so that two different names would be one series.
    if stat.ends_with('.') {
        stat.pop();
        stat.push('_');
    }
}

#[cfg(test)]
mod tests;
