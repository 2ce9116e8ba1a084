//! A score of a judge or of a user, which is exported as the event `gen_ai.evaluation.result`.

/// The author of a score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvaluationSource {
    /// A judge, by the name of its model.
    Judge(String),
    /// A user of the feedback endpoint.
    User,
}

/// A score of one exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The exchange's request id, as it was sent to the client.
    pub request_id: String,
    /// The trace and span of the exchange.
    pub ids: crate::ids::Ids,
    /// The metric label of the exchange's model.
    pub model: String,
    /// The subject of the score: the name of a criterion, `hallucination`, or `user_feedback`.
    pub name: String,
    /// The score as a number.
    pub value: f64,
    /// The score as a label value.
    pub label: String,
    /// The unredacted reason or comment. The exporter decides whether it may leave. `None` if there is none.
    pub explanation: Option<String>,
    /// The author of the score.
    pub source: EvaluationSource,
    /// A unique id, which stays the same on every retry.
    pub uid: String,
}
