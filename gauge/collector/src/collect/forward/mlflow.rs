//! A score as an MLflow assessment of its span.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Post, without_nulls};
use crate::store::Evaluation;

pub(super) fn post(evaluation: &Evaluation) -> Post {
    let trace_id = format!("tr-{}", evaluation.trace_id);
    let time = iso(evaluation.time_ns);
    let is_user = evaluation.source.as_deref() == Some("user");
    let (source_type, source_id) = match (is_user, &evaluation.judge_model) {
        (true, _) => ("HUMAN", "user"),
        (false, Some(model)) => ("LLM_JUDGE", model.as_str()),
        (false, None) => ("CODE", "llm-gauge"),
    };
    let metadata = json!({"uid": evaluation.uid, "label": evaluation.label, "model": evaluation.model});
    // The id is derived from the score, so that a duplicate has the same id: MLflow fails at the second one.
    let hash = Sha256::digest(&evaluation.uid);
    let id = format!("a-{}", hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>());
    let path = format!("/api/3.0/mlflow/traces/{trace_id}/assessments");
    let assessment = json!({
        "assessment_id": id,
        "assessment_name": evaluation.name,
        "trace_id": trace_id,
        "span_id": evaluation.span_id.to_string(),
        "source": {"source_type": source_type, "source_id": source_id},
        "feedback": {"value": value(evaluation)},
        "rationale": evaluation.explanation,
        "metadata": without_nulls(metadata),
        "create_time": time,
        "last_update_time": time,
    });
    Post {
        seen_at: Some(format!("{path}/{id}")),
        path,
        content_type: "application/json",
        body: json!({"assessment": without_nulls(assessment)}).to_string().into(),
    }
}

/// Returns the value in MLflow's terms: yes and no as its own judges write them, thumbs as it shows them, and scores as
/// numbers, of which it computes means.
fn value(evaluation: &Evaluation) -> Value {
    match (evaluation.label.as_deref(), evaluation.value) {
        (Some("up"), _) => true.into(),
        (Some("down"), _) => false.into(),
        (Some(label @ ("yes" | "no")), _) | (Some(label), None) => label.into(),
        (_, value) => value.into(),
    }
}

/// Formats a time by RFC 3339 in UTC, to the millisecond.
fn iso(time_ns: i64) -> String {
    let (seconds, ms) = (time_ns.div_euclid(1_000_000_000), time_ns.rem_euclid(1_000_000_000) / 1_000_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Converts days since 1970 to a date. Counted from a first of March, so that the leap day is the last day of a year.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year_of_era + later, month, day)
}

#[cfg(test)]
#[test]
fn times_are_dates() {
    for (time_ns, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400_123_456_789, "2000-02-29T00:00:00.123Z"),
        (1_709_251_199_999_999_999, "2024-02-29T23:59:59.999Z"),
        (1_735_689_600_000_000_000, "2025-01-01T00:00:00.000Z"),
        (i64::MAX, "2262-04-11T23:47:16.854Z"),
    ] {
        assert_eq!(iso(time_ns), text);
    }
}
