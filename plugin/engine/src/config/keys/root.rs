//! The keys of the document and of its small sections.

use super::{Choice, Fallback, Integer, Key, Kind, List, SIZE_MAX, Switch, UNBOUNDED, names};
use crate::limits;

pub(in crate::config) const RULES: List = List::any("match");
pub(in crate::config) const LABELS: List = List::at_most("labels", limits::EXTRA_LABELS_MAX);
pub(in crate::config) const ESTIMATE: Switch = Switch { name: "estimate", default: true };
pub(in crate::config) const REDACT: List = List::at_most("redact", limits::REDACT_PATTERNS_MAX);
pub(in crate::config) const FILTER_STATE: List = List::any("filter_state");

pub(super) const ROOT: [Key; 13] = [
    Key::text("service", "Name of the metered service: `service.name` of spans and events.")
        .default(Fallback::Text("llm-gauge")),
    Key::list(
        &RULES,
        Kind::Objects,
        "Rules that select the requests to meter. The first rule that matches a request decides how it is metered.",
    )
    .default(Fallback::Words("every request to a path of a known format")),
    Key::list(&LABELS, Kind::Objects, "Extra labels of metrics, filled from request headers."),
    Key::section("models", "How models become label values."),
    Key::section("streaming", "How the usage of streams is obtained."),
    Key::switch(&ESTIMATE, "Whether tokens are estimated if a response ends without reported usage."),
    Key::new("prices", Kind::Object, "Prices of tokens. Without this key no cost is counted."),
    Key::new("judge", Kind::Object, "An LLM that scores a sample of the answers. Without this key nothing is scored."),
    Key::new(
        "feedback",
        Kind::Object,
        "A path at which users rate answers. Without this key requests to that path pass through.",
    ),
    Key::new(
        "telemetry",
        Kind::Object,
        "Export of spans, scores and feedback by OTLP. Without this key nothing is exported.",
    ),
    Key::list(
        &REDACT,
        Kind::Mixed("list of names and objects"),
        "Patterns that are removed from texts before they are exported. The judge's calls are not redacted.",
    ),
    Key::list(
        &FILTER_STATE,
        Kind::Texts,
        "Fields of the record that are set as filter state `wasm.llm.FIELD`, besides `json` and `total_tokens`.",
    )
    .within("names of fields of the record"),
    Key::section("limits", "Bounds on memory."),
];
pub(in crate::config) const ROOT_NAMES: [&str; 13] = names(&ROOT);

const PATTERN: &str = "`*` stands for any characters";

pub(super) const MATCH: [Key; 6] = [
    Key::text("path", "Pattern for the request's path without its query.").within(PATTERN),
    Key::text("host", "Pattern for the request's host, with its port if it has one, in any case.")
        .within(PATTERN),
    Key::text("route", "Pattern for Envoy's route name, `xds.route_name`.").within(PATTERN),
    Key::text("cluster", "Pattern for Envoy's cluster name, `xds.cluster_name`.").within(PATTERN),
    Key::text("provider", "Provider of matching requests, as a label value.")
        .default(Fallback::Words("by host, else by format")),
    Key::text("format", "Wire format of matching requests.")
        .within("name of a format")
        .default(Fallback::Words("by method, host and path")),
];
pub(in crate::config) const MATCH_NAMES: [&str; 6] = names(&MATCH);

pub(in crate::config) const LABEL_VALUES: Integer =
    Integer::new("max_values", limits::LABEL_VALUES_DEFAULT as u64, 1, SIZE_MAX);

pub(super) const LABEL: [Key; 4] = [
    Key::text("name", "Name of the label. It also needs an entry in Envoy's `stats_tags`.")
        .within("lower-case letters, digits and _, a letter first; no suffix of another label, nor the other way round")
        .required(),
    Key::text("header", "Request header that holds the value.").within("in lower case").required(),
    Key::integer(&LABEL_VALUES, "", "Values with series of their own. Further values are counted as `other`."),
    Key::text("default", "Value of requests without the header. An empty one becomes `unknown`.")
        .default(Fallback::Text("")),
];
pub(in crate::config) const LABEL_NAMES: [&str; 4] = names(&LABEL);

pub(in crate::config) const KNOWN: List = List::any("known");
pub(in crate::config) const RENAMES: List = List::any("rename");
pub(in crate::config) const MODEL_SERIES: Integer =
    Integer::new("max_series", limits::MODELS_DEFAULT as u64, 1, SIZE_MAX);

pub(super) const MODELS: [Key; 3] = [
    Key::list(&KNOWN, Kind::Texts, "Models that always have series of their own."),
    Key::list(&RENAMES, Kind::Objects, "Rules that rename models. The first rule that matches decides."),
    Key::integer(
        &MODEL_SERIES,
        "",
        "Models with series of their own. Further models are counted as `other`.",
    ),
];
pub(in crate::config) const MODELS_NAMES: [&str; 3] = names(&MODELS);

pub(super) const RENAME: [Key; 2] = [
    Key::text("match", "Pattern for the model's name.").within(PATTERN).required(),
    Key::text("to", "Label value of matching models.").required(),
];
pub(in crate::config) const RENAME_NAMES: [&str; 2] = names(&RENAME);

pub(in crate::config) const USAGE: Choice = Choice { name: "usage", words: &["observe", "request"] };

pub(super) const STREAMING: [Key; 1] = [Key::choice(
    &USAGE,
    "`observe` reads what the provider sends; `request` asks for usage if the client does not, and hides it again.",
)];
pub(in crate::config) const STREAMING_NAMES: [&str; 1] = names(&STREAMING);

pub(in crate::config) const EVENT_BYTES: Integer =
    Integer::new("event_bytes", limits::EVENT_BYTES_DEFAULT, 1, UNBOUNDED);
pub(in crate::config) const REQUEST_BYTES: Integer =
    Integer::new("request_bytes", limits::REQUEST_BYTES_DEFAULT as u64, 1, SIZE_MAX);

pub(in crate::config) const WORKER_BYTES: Integer = Integer::new(
    "worker_bytes",
    limits::WORKER_BYTES_DEFAULT as u64,
    limits::WORKER_BYTES_MIN as u64,
    limits::WORKER_BYTES_MAX as u64,
);

pub(super) const LIMITS: [Key; 3] = [
    Key::integer(&EVENT_BYTES, "bytes", "Size of one stream event that is read. A longer one is a gap."),
    Key::integer(
        &REQUEST_BYTES,
        "bytes",
        "Size of a request that is held to ask for usage. A longer one passes unchanged.",
    ),
    Key::integer(&WORKER_BYTES, "bytes", "Memory of one worker for what peers choose the size of."),
];
pub(in crate::config) const LIMITS_NAMES: [&str; 3] = names(&LIMITS);
