//! Replicate (<https://replicate.com/docs/reference/http>).

use super::{BLANK, ERRORS, Format, Operation};

/// `POST /v1/predictions`: the answer is fetched later.
pub const FORMAT: Format = Format {
    name: "replicate_predictions",
    provider: "replicate",
    operation: Operation::TextCompletion,
    claims: &["api.replicate.com*/predictions"],
    response: &[ERRORS],
    has_usage: false,
    ..BLANK
};
