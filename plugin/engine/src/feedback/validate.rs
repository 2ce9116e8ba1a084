//! Reads and checks the body of feedback: each field, the signature and the age of its request id.

use super::plan::FeedbackPlan;
use crate::ids::{Ids, RequestId, RequestIdError};
use crate::json::JsonValue;

/// Feedback that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedFeedback {
    /// The request id, as the client sent it.
    pub request_id: String,
    /// The trace and span of the exchange.
    pub ids: Ids,
    /// The requested model. Empty if it was unknown.
    pub model: String,
    /// The user's rating of the answer.
    pub rating: Rating,
    /// The user's comment. `None` if there is none.
    pub comment: Option<String>,
}

/// A rating of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rating {
    /// A thumb up.
    Up,
    /// A thumb down.
    Down,
    /// From 1, the worst, to 5, the best.
    Points(u8),
}

impl Rating {
    /// Returns the label value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Points(1) => "1",
            Self::Points(2) => "2",
            Self::Points(3) => "3",
            Self::Points(4) => "4",
            Self::Points(_) => "5",
        }
    }

    /// Returns the rating as a number: 1 for a thumb up, 0 for a thumb down, or the points.
    pub fn value(self) -> f64 {
        match self {
            Self::Up => 1.0,
            Self::Down => 0.0,
            Self::Points(points) => points.into(),
        }
    }

    fn of(value: &JsonValue) -> Option<Self> {
        match value {
            JsonValue::Text(word) if word == "up" => Some(Self::Up),
            JsonValue::Text(word) if word == "down" => Some(Self::Down),
            JsonValue::Whole(points @ 1..=5) => u8::try_from(*points).ok().map(Self::Points),
            _ => None,
        }
    }
}

/// The reason why feedback is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Whether the signature of the id is wrong. Otherwise the request is malformed or the id too old.
    pub(super) is_unauthorized: bool,
    /// The faulty field.
    pub(super) field: String,
    /// The expected value.
    pub(super) message: String,
}

fn refuse<T>(field: &str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { is_unauthorized: false, field: field.to_owned(), message: message.into() })
}

const FIELDS: &[&str] = &["request_id", "rating", "comment"];

/// Reads and checks feedback. An unknown key is refused, since a misspelt `comment` would otherwise be lost silently.
pub(super) fn validate(body: &[u8], plan: &FeedbackPlan, unix_s: u64) -> Result<AcceptedFeedback, Refusal> {
    let tree = match JsonValue::read(body) {
        Ok(tree) => tree,
        Err(error) => return refuse("body", error.to_string()),
    };
    let Some(pairs) = tree.pairs() else {
        return refuse("body", "expected a JSON object");
    };
    if let Some((key, _)) = pairs.iter().find(|(key, _)| !FIELDS.contains(&key.as_str())) {
        return refuse(key, "unknown field, expected `request_id`, `rating` or `comment`");
    }
    let Some(request_id) = tree.get("request_id").and_then(JsonValue::text) else {
        return refuse("request_id", "expected a string");
    };
    let Some(rating) = tree.get("rating").and_then(Rating::of) else {
        return refuse("rating", "expected \"up\", \"down\" or a whole number from 1 to 5");
    };
    let comment = match tree.get("comment") {
        None | Some(JsonValue::Null) => None,
        Some(JsonValue::Text(text)) => Some(text.clone()),
        Some(_) => return refuse("comment", "expected a string"),
    };
    let RequestId { ids, issued_s, model } = match RequestId::read(request_id, plan.keys()) {
        Ok(id) => id,
        Err(RequestIdError::Form) => {
            return refuse("request_id", "expected the value of the response header x-llm-request-id");
        }
        Err(RequestIdError::Signature) => {
            let (field, message) = ("request_id".to_owned(), "the signature is wrong".to_owned());
            return Err(Refusal { is_unauthorized: true, field, message });
        }
    };
    // An id from the future was issued by a proxy whose clock is ahead.
    if unix_s.saturating_sub(issued_s.into()) > plan.age_s_max() {
        return refuse("request_id", format!("older than {} hours", plan.age_s_max() / 3600));
    }
    Ok(AcceptedFeedback { request_id: request_id.to_owned(), ids, model, rating, comment })
}
