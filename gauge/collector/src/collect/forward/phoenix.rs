//! A score as a Phoenix annotation of its span.

use serde_json::json;

use super::{Post, without_nulls};
use crate::store::Evaluation;

pub(super) fn post(evaluation: &Evaluation) -> Post {
    let is_user = evaluation.source.as_deref() == Some("user");
    let annotator_kind = match (is_user, &evaluation.judge_model) {
        (true, _) => "HUMAN",
        (false, Some(_)) => "LLM",
        (false, None) => "CODE",
    };
    let result = json!({
        "label": evaluation.label, "score": evaluation.value, "explanation": evaluation.explanation,
    });
    let metadata = json!({"model": evaluation.model, "judge_model": evaluation.judge_model});
    let annotation = json!({
        "span_id": evaluation.span_id.to_string(),
        "name": evaluation.name,
        "annotator_kind": annotator_kind,
        "result": without_nulls(result),
        "metadata": without_nulls(metadata),
        // With the identifier, duplicates are one annotation, and the ratings of two users are two.
        "identifier": evaluation.uid,
    });
    Post {
        // Makes Phoenix wait for the write, so that it reports an unknown span.
        path: "/v1/span_annotations?sync=true".into(),
        content_type: "application/json",
        body: json!({"data": [annotation]}).to_string().into(),
        seen_at: None,
    }
}
