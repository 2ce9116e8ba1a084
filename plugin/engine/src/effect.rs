//! What the shell is asked to do.

use crate::evaluation::Evaluation;
use crate::exhibit::Job;
use crate::otlp::Span;

/// One request to the host.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Adds to a counter.
    Count {
        /// The stat's name, labels included.
        stat: String,
        /// At least 1.
        by: u64,
    },
    /// Adds a value to a histogram.
    Observe {
        /// The stat's name, labels included.
        stat: String,
        /// In the unit of the metric's name.
        value: u64,
    },
    /// Moves a gauge.
    Move {
        /// The stat's name, labels included.
        stat: String,
        /// Up or down.
        by: i64,
    },
    /// Sets a gauge.
    Set {
        /// The stat's name, labels included.
        stat: String,
        /// What it is from now on.
        value: u64,
    },
    /// Has a sampled exchange judged.
    Judge(Box<Job>),
    /// Sends the span on of an exchange that ends now.
    Span(Box<Span>),
    /// Sends a score on.
    Evaluation(Box<Evaluation>),
    /// Sets filter state `wasm.llm.KEY`.
    FilterState {
        /// KEY
        key: &'static str,
        /// Its text.
        value: String,
    },
}

/// Keys that `filter_state` may list, and what stands there while nothing is known.
pub const FILTER_STATE_KEYS: &[(&str, &str)] = &[
    ("record", "-"),
    ("request_id", "-"),
    ("provider", "-"),
    ("operation", "-"),
    ("request_model", "-"),
    ("model", "-"),
    ("response_model", "-"),
    ("status", "-"),
    ("error", "-"),
    ("source", "-"),
    ("finish_reasons", "-"),
    ("response_id", "-"),
    ("input_tokens", "0"),
    ("output_tokens", "0"),
    ("cached_input_tokens", "0"),
    ("reasoning_tokens", "0"),
    ("cost_nanodollars", "-"),
    ("duration_ms", "0"),
    ("first_byte_ms", "0"),
    ("first_token_ms", "0"),
    ("first_answer_ms", "0"),
];

/// Fields of `json` that are no keys of their own, those to come included.
const JSON_ONLY: &[&str] = &["total_tokens", "sampled"];

/// Whether `json` has a field of this name: an extra label of that name would put a client's word in its place.
pub fn is_json_field(name: &str) -> bool {
    JSON_ONLY.contains(&name) || FILTER_STATE_KEYS.iter().any(|(key, _)| *key == name)
}
