//! One score, by a judge or by a user: what leaves as the event `gen_ai.evaluation.result`.

/// Who gave a score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvaluationSource {
    /// A judge, by its model's name.
    Judge(String),
    /// A user, by the feedback endpoint.
    User,
}

/// A score of one exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The exchange's request id, as the client got it.
    pub request_id: String,
    /// The exchange's trace and span.
    pub ids: crate::ids::Ids,
    /// The metric label of its model.
    pub model: String,
    /// What was judged: a criterion's name, `hallucination`, `user_feedback`.
    pub name: String,
    /// The score as a number.
    pub value: f64,
    /// The score in a word.
    pub label: String,
    /// The reason or comment, as it came: whether it may leave is decided by the exporter.
    pub explanation: Option<String>,
    /// Who gave it.
    pub source: EvaluationSource,
    /// Unique, and the same on every retry.
    pub uid: String,
}
