//! The keys of `feedback`.

use super::{Bound, Fallback, Integer, Key, Kind, List, UNBOUNDED, names};
use crate::limits;

pub(in crate::config) const PATH_DEFAULT: &str = "/feedback";
pub(in crate::config) const BODY_BYTES: Integer =
    Integer::new("max_bytes", limits::FEEDBACK_BYTES_DEFAULT as u64, 1, limits::FEEDBACK_BYTES_MAX as u64);
pub(in crate::config) const PER_MINUTE: Integer =
    Integer::new("per_minute", limits::FEEDBACK_PER_MINUTE_DEFAULT, 1, UNBOUNDED);
pub(in crate::config) const AGE_HOURS: Integer =
    Integer::new("max_age_hours", limits::FEEDBACK_AGE_HOURS_DEFAULT, 1, UNBOUNDED);

pub(super) const FEEDBACK: [Key; 6] = [
    Key::text("path", "Path at which feedback is accepted.")
        .within("starts with `/`; without `?`, `#` and `*`")
        .default(Fallback::Text(PATH_DEFAULT)),
    Key::new(
        "secret",
        Kind::Mixed("string or list of up to 4 strings"),
        "Random text that signs request ids: the first one signs, all are accepted. Without it ids are not signed.",
    )
    .bound(Bound::Bytes { least: limits::SECRET_BYTES_MIN, most: usize::MAX })
    .secret(),
    Key::integer(&BODY_BYTES, "bytes", "Largest body. A larger one is answered 413."),
    Key::integer(&PER_MINUTE, "requests per minute", "Accepted feedback, over all workers. More is answered 429."),
    Key::integer(&AGE_HOURS, "hours", "Age up to which a request id is accepted."),
    Key::new("cors", Kind::Object, "Access from pages of other origins. Without this key browsers refuse it."),
];
pub(in crate::config) const FEEDBACK_NAMES: [&str; 6] = names(&FEEDBACK);

pub(in crate::config) const ORIGINS: List =
    List { name: "origins", may_be_empty: false, most: limits::ORIGINS_MAX };

pub(super) const CORS: [Key; 1] = [Key::list(
    &ORIGINS,
    Kind::Texts,
    "Origins such as `https://app.example`; `*` stands for any characters.",
)
.required()];
pub(in crate::config) const CORS_NAMES: [&str; 1] = names(&CORS);
