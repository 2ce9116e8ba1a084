//! The metrics: names, kinds and labels as one table, and how labels travel in a stat's name.

/// A metric of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, unit last.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its own labels, in the order they are written.
    pub labels: &'static [&'static str],
    /// Whether it carries the operator's extra labels too.
    pub is_per_exchange: bool,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution; its sum is approximate in Envoy.
    Histogram,
}

/// An update of one stat. Its name is the host's, labels included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatUpdate {
    /// Adds to a counter.
    Count {
        /// The stat's name.
        stat: String,
        /// At least 1.
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

const fn metric(name: &'static str, kind: Kind, labels: &'static [&'static str]) -> Metric {
    Metric { name, kind, labels, is_per_exchange: true }
}

const fn without_extra_labels(name: &'static str, kind: Kind, labels: &'static [&'static str]) -> Metric {
    Metric { name, kind, labels, is_per_exchange: false }
}

/// One per exchange, at its end.
pub const REQUESTS: Metric =
    metric("llm_requests_total", Kind::Counter, &["provider", "model", "operation", "status", "error"]);
/// Exchanges under way.
pub const ACTIVE_REQUESTS: Metric = without_extra_labels("llm_active_requests", Kind::Gauge, &["provider"]);
/// Request head to end of response.
pub const REQUEST_DURATION: Metric =
    metric("llm_request_duration_milliseconds", Kind::Histogram, &["provider", "model", "operation"]);
/// Request head to first byte of the response's body.
pub const TIME_TO_FIRST_BYTE: Metric =
    metric("llm_time_to_first_byte_milliseconds", Kind::Histogram, &["provider", "model"]);
/// Request head to first generated delta of any kind.
pub const TIME_TO_FIRST_TOKEN: Metric =
    metric("llm_time_to_first_token_milliseconds", Kind::Histogram, &["provider", "model"]);
/// Request head to first visible text.
pub const TIME_TO_FIRST_ANSWER: Metric =
    metric("llm_time_to_first_answer_milliseconds", Kind::Histogram, &["provider", "model"]);
/// (last delta - first delta) / (output tokens - 1)
pub const TIME_PER_OUTPUT_TOKEN: Metric =
    metric("llm_time_per_output_token_microseconds", Kind::Histogram, &["provider", "model"]);
/// Inclusive counts.
pub const TOKENS: Metric =
    metric("llm_tokens_total", Kind::Counter, &["provider", "model", "type", "source"]);
/// Parts of the inclusive counts.
pub const TOKEN_DETAILS: Metric =
    metric("llm_token_details_total", Kind::Counter, &["provider", "model", "type"]);
/// Exchanges without reported usage that should have had it.
pub const USAGE_MISSING: Metric =
    metric("llm_usage_missing_total", Kind::Counter, &["provider", "model", "reason"]);
/// Cost by class of tokens, in 1e-9 dollars.
pub const COST: Metric = metric("llm_cost_nanodollars_total", Kind::Counter, &["provider", "model", "type"]);
/// Tokens that the price table has no price for.
pub const UNPRICED_TOKENS: Metric =
    metric("llm_unpriced_tokens_total", Kind::Counter, &["provider", "model"]);
/// Exchanges that are to be judged: as many as outcomes, once none is under way.
pub const JUDGE_SAMPLED: Metric = without_extra_labels("llm_judge_sampled_total", Kind::Counter, &["model"]);
/// What became of them.
pub const JUDGE_OUTCOMES: Metric =
    without_extra_labels("llm_judge_outcomes_total", Kind::Counter, &["model", "outcome"]);
/// Scores.
pub const EVALUATIONS: Metric =
    without_extra_labels("llm_evaluations_total", Kind::Counter, &["model", "criterion", "score"]);
/// The sum of scores.
pub const EVALUATION_POINTS: Metric =
    without_extra_labels("llm_evaluation_points_total", Kind::Counter, &["model", "criterion"]);
/// Answers that made something up, and others.
pub const HALLUCINATIONS: Metric =
    without_extra_labels("llm_hallucinations_total", Kind::Counter, &["model", "verdict"]);
/// One call to a judge.
pub const JUDGE_DURATION: Metric =
    without_extra_labels("llm_judge_duration_milliseconds", Kind::Histogram, &["model"]);
/// Tokens of judges.
pub const JUDGE_TOKENS: Metric = without_extra_labels("llm_judge_tokens_total", Kind::Counter, &["type"]);
/// What they cost, in 1e-9 dollars.
pub const JUDGE_COST: Metric = without_extra_labels("llm_judge_cost_nanodollars_total", Kind::Counter, &[]);
/// Scores of two judges that are two apart or more, or one `yes` and one `no`.
pub const JUDGE_DISAGREEMENT: Metric =
    without_extra_labels("llm_judge_disagreement_total", Kind::Counter, &["criterion"]);
/// What users said of answers.
pub const FEEDBACK: Metric = without_extra_labels("llm_feedback_total", Kind::Counter, &["model", "rating"]);
/// Label values folded into `other`.
pub const SERIES_OVERFLOW: Metric =
    without_extra_labels("llm_gauge_series_overflow_total", Kind::Counter, &["limit"]);
/// Spans and events that never arrived anywhere.
pub const DROPPED: Metric = without_extra_labels("llm_gauge_dropped_total", Kind::Counter, &["kind"]);
/// Bodies the meter could not read.
pub const GAPS: Metric = without_extra_labels("llm_gauge_gaps_total", Kind::Counter, &["reason"]);
/// 1
pub const BUILD_INFO: Metric =
    without_extra_labels("llm_gauge_build_info", Kind::Gauge, &["version", "config", "prices"]);

/// Every metric this build can emit.
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
    BUILD_INFO,
];

/// The names of all labels but the operator's own.
pub fn label_names() -> Vec<&'static str> {
    let mut names: Vec<_> = ALL.iter().flat_map(|metric| metric.labels).copied().collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether a label may be called this: as Prometheus has it, in lower case.
pub fn is_label_name(name: &str) -> bool {
    let mut letters = name.bytes();
    letters.next().is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_')
}

/// The stat's name for these label values: `NAME.label=.=value;.;.label=.=value;.;`, which the bootstrap's
/// `stats_tags` turn into labels.
pub fn stat<'a>(metric: &Metric, labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut stat = String::with_capacity(160);
    stat.push_str(metric.name);
    labels.for_each(|(name, value)| push_label(&mut stat, name, value));
    stat
}

/// These labels as they stand in a stat's name.
pub fn labels<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::with_capacity(96);
    labels.for_each(|(name, value)| push_label(&mut text, name, value));
    text
}

/// Adds a label to a stat's name.
pub fn push_label(stat: &mut String, name: &str, value: &str) {
    stat.push('.');
    stat.push_str(name);
    stat.push_str("=.=");
    push_value(stat, value);
    stat.push_str(";.;");
}

/// `value` as it stands in a stat's name.
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
    // Nearly every value, by one look at each byte.
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b';' | b'=');
    let fits = value.len() <= crate::limits::LABEL_BYTES_MAX && !value.ends_with('.');
    if fits && value.as_bytes().iter().all(is_plain) {
        stat.push_str(value);
        return;
    }
    let end = stat.len().saturating_add(crate::limits::LABEL_BYTES_MAX);
    let mut previous = '\0';
    for letter in value.chars() {
        // `;.` is how the mark behind a value begins and would end the value early; `=.` is part of the mark before
        // a value, with which a model's name could claim to be another label.
        let breaks = letter.is_control() || (letter == '.' && matches!(previous, ';' | '='));
        let letter = if breaks { '_' } else { letter };
        if stat.len().saturating_add(letter.len_utf8()) > end {
            break;
        }
        stat.push(letter);
        previous = letter;
    }
    // Envoy drops dots at the end of a label, which would make two names of ours one series in a scrape.
    if stat.ends_with('.') {
        stat.pop();
        stat.push('_');
    }
}

#[cfg(test)]
mod tests;
