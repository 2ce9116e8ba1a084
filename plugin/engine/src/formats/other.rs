//! What a known provider serves beside inferences: files, jobs, lists, stored answers. Counted as requests, with
//! their errors; what they hold is not read as an answer, since it is another exchange's.

use super::{BLANK, ERRORS, Format, Operation};

/// Any path of a known provider that no other row claims.
pub const FORMAT: Format = Format {
    name: "other",
    operation: Operation::Other,
    request: &[],
    response: &[ERRORS],
    has_usage: false,
    ..BLANK
};
