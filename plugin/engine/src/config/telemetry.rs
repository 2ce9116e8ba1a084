//! Compiles the section `telemetry`.

use super::ConfigError;
use super::keys::telemetry::{
    ATTRIBUTES, BATCH_BYTES, BATCH_NAMES, COMPRESSION, CONTENT, ENCODING, EVENTS, INTERVAL_MS, ITEMS,
    ROOT_SPANS, TELEMETRY_NAMES, TIMEOUT_MS, TRACES,
};
use super::section::Section;
use crate::telemetry::otlp::Encoding;
use crate::telemetry::{self, BatchLimits, Content, TelemetryPlan};

/// Compiles the section. `None` if it is absent. `has_judge` is whether `content` may be `sampled`.
pub(super) fn read(
    document: &Section<'_>,
    service: &str,
    has_judge: bool,
) -> Result<Option<TelemetryPlan>, ConfigError> {
    let Some(item) = document.item("telemetry") else {
        return Ok(None);
    };
    let telemetry = Section::new(item, &TELEMETRY_NAMES)?;
    let cluster = telemetry.filled_text("cluster")?;
    let path = telemetry.text("path")?.unwrap_or_default();
    if !(path.is_empty() || path.starts_with('/')) || path.ends_with('/') {
        return telemetry.refuse_value("path", "a prefix of `/v1/traces` such as `/api/otel`");
    }
    let attributes = telemetry.choice(&ATTRIBUTES)?;
    let content = match telemetry.choice(&CONTENT)? {
        0 => Content::None,
        1 if !has_judge => return telemetry.refuse_value("content", "`none` or `all` without a `judge`"),
        1 => Content::Sampled,
        _ => Content::All,
    };
    let (has_spans, has_events) = (telemetry.switch(&TRACES)?, telemetry.switch(&EVENTS)?);
    if !has_spans && !has_events {
        return telemetry.refuse_value("events", "`on` if `traces` is `off`");
    }
    let has_openinference = attributes != 0;
    Ok(Some(TelemetryPlan {
        cluster: cluster.to_owned(),
        authority: telemetry.text("authority")?.unwrap_or(cluster).to_owned(),
        path: path.to_owned(),
        headers: telemetry.headers()?,
        encoding: if telemetry.choice(&ENCODING)? == 1 { Encoding::Json } else { Encoding::Protobuf },
        wants_gzip: telemetry.choice(&COMPRESSION)? == 1,
        timeout_ms: telemetry.integer(&TIMEOUT_MS)?,
        batch: batch(&telemetry.section("batch", &BATCH_NAMES)?)?,
        has_gen_ai: attributes != 1,
        has_openinference,
        content,
        has_root_spans: telemetry.switch(&ROOT_SPANS)?,
        has_spans,
        has_events,
        resource: telemetry::resource(service, has_openinference),
    }))
}

fn batch(batch: &Section<'_>) -> Result<BatchLimits, ConfigError> {
    Ok(BatchLimits {
        items_max: batch.size(&ITEMS)?,
        bytes_max: batch.size(&BATCH_BYTES)?,
        interval_ms: batch.integer(&INTERVAL_MS)?,
    })
}
