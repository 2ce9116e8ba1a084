//! Requests to a known provider other than inferences: files, jobs, lists, stored answers. Counted as requests, with
//! their errors; what they hold is not read as an answer, since it is another exchange's.

use super::{BLANK, Format, Operation, ResponseField, Rule};

/// Any path of a known provider that no other row claims.
pub const FORMAT: Format = Format {
    name: "other",
    operation: Operation::Other,
    request: &[],
    // Without `error` itself: jobs have an empty one that reports no error.
    response: &[&[
        Rule::at("error.type", ResponseField::ErrorType),
        Rule::at("error.code", ResponseField::ErrorCode),
    ]],
    has_usage: false,
    ..BLANK
};
