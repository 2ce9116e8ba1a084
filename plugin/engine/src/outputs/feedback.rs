//! What accepted feedback leaves behind.

use super::overflows;
use crate::effect::Effect;
use crate::evaluation::{Evaluation, Source};
use crate::feedback::Given;
use crate::ids::push_hex;
use crate::metrics;
use crate::series::Series;

/// A count and an evaluation. That an exchange with this model succeeded is known to the worker that had it, and in its
/// table; here the id alone gives a name no place that a made-up one would not get.
pub fn given(given: Given, series: &mut Series, random: [u8; 24]) -> Vec<Effect> {
    let Given { request_id, ids, model, rating, comment } = given;
    let model = series.model(Some(model.as_str()), false);
    let labels = [("model", model.as_str()), ("rating", rating.name())];
    let mut effects =
        vec![Effect::Count { stat: metrics::stat(&metrics::FEEDBACK, labels.into_iter()), by: 1 }];
    let mut uid = String::with_capacity(32);
    push_hex(&mut uid, random.first_chunk::<16>().unwrap_or(&[0; 16]));
    effects.push(Effect::Evaluation(Box::new(Evaluation {
        request_id,
        ids,
        model,
        name: "user_feedback".to_owned(),
        value: rating.value(),
        label: rating.name().to_owned(),
        explanation: comment,
        source: Source::User,
        uid,
    })));
    overflows(series, &mut effects);
    effects
}

#[cfg(test)]
mod tests;
