//! The filter state that an exchange sets for access logs and for other filters.

/// A value of the filter state `wasm.llm.KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterState {
    /// The KEY.
    pub key: &'static str,
    /// The value as text.
    pub value: String,
}

/// The keys that `filter_state` may list, each with its text while its value is unknown.
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

/// The fields of the key `json` that are no keys themselves, including reserved ones.
const JSON_ONLY: &[&str] = &["total_tokens", "sampled"];

/// Returns the text of a key while its value is unknown.
pub(crate) fn unknown(key: &str) -> &'static str {
    FILTER_STATE_KEYS.iter().find(|(known, _)| *known == key).map_or("-", |(_, unknown)| unknown)
}

/// Returns whether `json` has a field of this name. An extra label of that name would replace its value by one that a
/// client sends.
pub fn is_json_field(name: &str) -> bool {
    JSON_ONLY.contains(&name) || FILTER_STATE_KEYS.iter().any(|(key, _)| *key == name)
}
