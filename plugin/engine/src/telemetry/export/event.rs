//! Encodes a score as an event.
//!
//! With [`Content::Sampled`], the comment of a user is exported even if the exchange was not sampled: sampling
//! protects texts that were not meant for the store, while feedback is given on purpose.

use std::borrow::Cow;

use crate::judge::{Evaluation, EvaluationSource};
use crate::telemetry::otlp::{Attribute, Event, Value};
use crate::telemetry::{Content, TelemetryPlan};

const NAME: &str = "gen_ai.evaluation.result";

/// Returns the reason of a score, which is content. `None` if it may not leave.
pub(super) fn reason<'a>(score: &'a Evaluation, plan: &TelemetryPlan) -> Option<&'a str> {
    let reason = score.explanation.as_deref().filter(|text| !text.is_empty());
    reason.filter(|_| plan.content() != Content::None)
}

/// Returns the event of a score. `reason` is the redacted reason; `None` if there is none, or it may not leave.
pub(super) fn event(score: &Evaluation, reason: Option<&str>) -> Event {
    let (source, judge) = match &score.source {
        EvaluationSource::Judge(model) => ("judge", Some(model.as_str())),
        EvaluationSource::User => ("user", None),
    };
    let text = |name: &'static str, value: &str| (Cow::Borrowed(name), Value::Text(value.to_owned()));
    let mut attributes: Vec<Attribute> = vec![
        // For stores that only know attributes.
        text("event.name", NAME),
        text("gen_ai.evaluation.name", &score.name),
        (Cow::Borrowed("gen_ai.evaluation.score.value"), Value::Double(score.value)),
        text("gen_ai.evaluation.score.label", &score.label),
    ];
    attributes.extend(reason.map(|reason| text("gen_ai.evaluation.explanation", reason)));
    attributes.extend([
        text("llm_gauge.request_id", &score.request_id),
        text("llm_gauge.model", &score.model),
        text("llm_gauge.evaluation.source", source),
    ]);
    attributes.extend(judge.map(|model| text("llm_gauge.judge.model", model)));
    attributes.push(text("log.record.uid", &score.uid));
    Event { name: NAME, trace: score.ids.trace, span: score.ids.span, attributes }
}
