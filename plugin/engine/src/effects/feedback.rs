//! The effects of accepted feedback.

use super::{CalloutJob, Effects, count_overflows};
use crate::config::Policy;
use crate::feedback::AcceptedFeedback;
use crate::ids::push_hex;
use crate::judge::{Evaluation, EvaluationSource};
use crate::metrics::{self, StatUpdate};
use crate::series::Series;
use crate::telemetry::otlp::Signal;

/// Returns the effects of accepted feedback: a count, and an evaluation if events are exported.
///
/// The model is not admitted as one that has succeeded, since only the worker of its exchange knows that. So an id
/// gets no series for a name that an invented name would not get.
pub fn feedback_effects(
    feedback: AcceptedFeedback,
    policy: &Policy,
    series: &mut Series,
    random: [u8; 24],
) -> Effects {
    let AcceptedFeedback { request_id, ids, model, rating, comment } = feedback;
    let model = series.model(Some(model.as_str()), false);
    let labels = [("model", model.as_str()), ("rating", rating.name())];
    let stat = metrics::stat(&metrics::FEEDBACK, labels.into_iter());
    let mut effects = Effects { stats: vec![StatUpdate::Count { stat, by: 1 }], ..Effects::default() };
    if policy.telemetry().is_some_and(|plan| plan.takes(Signal::Events)) {
        let mut uid = String::with_capacity(32);
        push_hex(&mut uid, random.first_chunk::<16>().unwrap_or(&[0; 16]));
        effects.jobs.push(CalloutJob::Evaluation(Box::new(Evaluation {
            request_id,
            ids,
            model,
            name: "user_feedback".to_owned(),
            value: rating.value(),
            label: rating.name().to_owned(),
            explanation: comment,
            source: EvaluationSource::User,
            uid,
        })));
    }
    count_overflows(series, &mut effects.stats);
    effects
}

#[cfg(test)]
mod tests;
