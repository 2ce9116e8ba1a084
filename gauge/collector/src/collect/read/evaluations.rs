//! Converts log records to rows: scores and feedback, from the event `gen_ai.evaluation.result`.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use sha2::{Digest as _, Sha256};

use super::attributes::Attributes;
use super::{RejectedItems, id};
use crate::store::Evaluation;

/// The only event that is stored.
const EVENT: &str = "gen_ai.evaluation.result";

/// Maximum length of a unique id.
const UID_BYTES_MAX: usize = 256;

pub(super) fn rows(
    request: ExportLogsServiceRequest,
    rejected: &mut RejectedItems,
    now_ns: i64,
) -> Vec<Evaluation> {
    let of_scopes = request.resource_logs.into_iter().flat_map(|of_resource| of_resource.scope_logs);
    let records = of_scopes.flat_map(|of_scope| of_scope.log_records);
    let mut rows = Vec::new();
    for record in records {
        match row(record, rejected, now_ns) {
            Ok(row) => rows.push(row),
            Err(reason) => rejected.add(&reason),
        }
    }
    rows
}

fn row(record: LogRecord, rejected: &mut RejectedItems, now_ns: i64) -> Result<Evaluation, String> {
    let mut of = Attributes::new(record.attributes);
    let event =
        of.text(&["event.name"]).filter(|_| record.event_name.is_empty()).unwrap_or(record.event_name);
    if event != EVENT {
        return Err(format!("event {event:?}: expected {EVENT}"));
    }
    let sent_ns = [record.time_unix_nano, record.observed_time_unix_nano].into_iter().find(|ns| *ns > 0);
    // A time of our own would differ at every retry.
    let sent_ns = sent_ns.ok_or("event: it has no time")?;
    let row = Evaluation {
        uid: of.text(&["log.record.uid"]).unwrap_or_default(),
        trace_id: id(&record.trace_id, "trace id").map_err(|reason| format!("event: {reason}"))?,
        span_id: id(&record.span_id, "span id").map_err(|reason| format!("event: {reason}"))?,
        request_id: of.text(&["llm_gauge.request_id"]),
        model: of.text(&["llm_gauge.model"]),
        name: of.text(&["gen_ai.evaluation.name"]).unwrap_or_default(),
        source: of.text(&["llm_gauge.evaluation.source"]),
        judge_model: of.text(&["llm_gauge.judge.model"]),
        value: of.number(&["gen_ai.evaluation.score.value"]).filter(|value| value.is_finite()),
        label: of.text(&["gen_ai.evaluation.score.label"]),
        explanation: of.text(&["gen_ai.evaluation.explanation"]),
        time_ns: rejected.time(sent_ns, now_ns).map_err(|reason| format!("event: {reason}"))?,
    };
    if row.name.is_empty() {
        return Err("event: it has no gen_ai.evaluation.name".to_owned());
    }
    if row.value.is_none() && row.label.is_none() {
        return Err(format!("event {:?}: it has neither a value nor a label", row.name));
    }
    match row.uid.len() {
        0 => Ok(Evaluation { uid: derived_uid(&row, sent_ns), ..row }),
        length if length > UID_BYTES_MAX => Err(format!("event {:?}: its uid has {length} bytes", row.name)),
        _ => Ok(row),
    }
}

/// Returns a uid for an event without one: a hash of its contents, which is the same at every retry.
fn derived_uid(row: &Evaluation, sent_ns: u64) -> String {
    let said =
        (&row.name, &row.source, &row.judge_model, row.value.map(f64::to_bits), &row.label, &row.explanation);
    let whole = format!("{:?}{:?}{:?}{said:?}", row.trace_id, row.span_id, sent_ns);
    let hash = Sha256::digest(whole);
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
