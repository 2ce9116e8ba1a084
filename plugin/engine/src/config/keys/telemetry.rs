//! The keys of `telemetry` and `redact`.

use super::{Bound, Choice, Fallback, Integer, Key, Kind, Switch, names};
use crate::limits;

pub(in crate::config) const ENCODING: Choice = Choice { name: "encoding", words: &["protobuf", "json"] };
pub(in crate::config) const COMPRESSION: Choice = Choice { name: "compression", words: &["none", "gzip"] };
pub(in crate::config) const TRACES: Switch = Switch { name: "traces", default: true };
pub(in crate::config) const EVENTS: Switch = Switch { name: "events", default: true };
pub(in crate::config) const ATTRIBUTES: Choice =
    Choice { name: "attributes", words: &["gen_ai", "openinference", "both"] };
pub(in crate::config) const CONTENT: Choice = Choice { name: "content", words: &["none", "sampled", "all"] };
pub(in crate::config) const ROOT_SPANS: Switch = Switch { name: "root_spans", default: false };
pub(in crate::config) const TIMEOUT_MS: Integer =
    Integer::new("timeout_ms", limits::TELEMETRY_TIMEOUT_MS_DEFAULT, 1, limits::TELEMETRY_TIMEOUT_MS_MAX);

pub(super) const TELEMETRY: [Key; 13] = [
    Key::text("cluster", "Envoy cluster that reaches the OTLP receiver.").required(),
    Key::text("authority", "Host of the export's calls.").default(Fallback::Words("the value of `cluster`")),
    Key::text("path", "Prefix of the paths `/v1/traces` and `/v1/logs`, such as `/api/otel`.")
        .within("empty, or starts with `/` and does not end with it")
        .default(Fallback::Text("")),
    Key::new("headers", Kind::Pairs, "Headers of the export's calls, such as an API key.")
        .within("names in lower case, none that the filter sets itself")
        .default(Fallback::Json("{}"))
        .secret(),
    Key::choice(&ENCODING, "Encoding of OTLP."),
    Key::choice(&COMPRESSION, "Compression of the bodies, by Envoy's own gzip compressor."),
    Key::switch(&TRACES, "Whether exchanges are exported as spans."),
    Key::switch(
        &EVENTS,
        "Whether scores and feedback are exported as events. One of `traces` and `events` is on.",
    ),
    Key::choice(
        &ATTRIBUTES,
        "Names of span attributes: OpenTelemetry's for generative AI, OpenInference's, or both.",
    ),
    Key::choice(
        &CONTENT,
        "Exchanges whose texts are exported. `sampled`: those that are judged; it needs `judge`.",
    ),
    Key::switch(
        &ROOT_SPANS,
        "Whether spans have no parent, for stores that drop a span whose parent never arrives.",
    ),
    Key::section("batch", "When a batch is sent."),
    Key::integer(&TIMEOUT_MS, "ms", "Longest wait for one call to the receiver."),
];
pub(in crate::config) const TELEMETRY_NAMES: [&str; 13] = names(&TELEMETRY);

pub(in crate::config) const ITEMS: Integer =
    Integer::new("max_items", limits::TELEMETRY_ITEMS_DEFAULT as u64, 1, limits::TELEMETRY_ITEMS_MAX as u64);
pub(in crate::config) const BATCH_BYTES: Integer = Integer::new(
    "max_bytes",
    limits::TELEMETRY_BATCH_BYTES_DEFAULT as u64,
    1,
    limits::TELEMETRY_QUEUE_BYTES_MAX as u64,
);
pub(in crate::config) const INTERVAL_MS: Integer =
    Integer::new("interval_ms", limits::TELEMETRY_INTERVAL_MS_DEFAULT, 1, limits::TELEMETRY_INTERVAL_MS_MAX);

pub(super) const BATCH: [Key; 3] = [
    Key::integer(&ITEMS, "", "Spans or events in one batch."),
    Key::integer(&BATCH_BYTES, "bytes", "Size of the spans or events in one batch."),
    Key::integer(&INTERVAL_MS, "ms", "Longest wait of a span or event for its batch."),
];
pub(in crate::config) const BATCH_NAMES: [&str; 3] = names(&BATCH);

pub(super) const REDACTION: [Key; 2] = [
    Key::text("name", "Name of the pattern: `[NAME]` replaces what it matches.")
        .within("lower-case letters, digits and _, a letter first")
        .required(),
    Key::text("regex", "Regular expression of the `regex-lite` crate that does not match the empty text.")
        .bound(Bound::Bytes { least: 1, most: limits::REGEX_BYTES_MAX })
        .required(),
];
pub(in crate::config) const REDACTION_NAMES: [&str; 2] = names(&REDACTION);
