//! The bounds of the engine. Whatever a bound drops is reported as a [`Gap`](crate::record::Gap) or counted as
//! overflow.

/// Maximum nesting of JSON containers in one document; deeper is [`Gap::TooDeep`](crate::record::Gap::TooDeep).
pub const DEPTH_MAX: u32 = 128;

/// Maximum bytes of an object key that can match a path; a longer key matches none.
pub const KEY_BYTES_MAX: usize = 64;

/// Bytes kept of a string for the record (a model, an id, a finish reason); the rest is cut off.
pub const SCALAR_BYTES_MAX: usize = 256;

/// Maximum bytes of a JSON number; a longer one is not a count.
pub const NUMBER_BYTES_MAX: usize = 40;

/// Maximum number of values kept from one document before it is applied.
pub const VALUES_PER_DOCUMENT_MAX: usize = 1024;

/// Maximum bytes of text kept from one document before it is applied.
pub const DOCUMENT_TEXT_BYTES_MAX: usize = 16 * 1024;

/// Maximum number of choices distinguished in one exchange.
pub const CHOICES_MAX: usize = 256;

/// Maximum number of tool calls distinguished in one stream that sends them in pieces.
pub const TOOL_CALLS_MAX: usize = 256;

/// Maximum number of models beside its own in one exchange.
pub const OTHER_MODELS_MAX: usize = 4;

/// Bytes kept of an AWS event stream frame's headers; headers beyond them are ignored.
pub const FRAME_HEADER_BYTES_MAX: usize = 4 * 1024;

/// Bytes kept of a line in a form. Fields are shorter; files are longer, but are not used.
pub const FORM_LINE_BYTES_MAX: usize = 512;

/// Maximum bytes of one stream event (default of `limits.event_bytes`).
pub const EVENT_BYTES_DEFAULT: u64 = 16 * 1024 * 1024;

/// Maximum bytes of a request that is held to be edited (default of `limits.request_bytes`); a longer one passes
/// unchanged. Below the mebibyte of Envoy's default buffer, which refuses larger bodies.
pub const REQUEST_BYTES_DEFAULT: usize = 1_000_000;

/// Maximum bytes of a stream event that is held until it is known whether to hide it; a longer one passes.
pub const HELD_EVENT_BYTES_MAX: usize = 64 * 1024;

/// Maximum bytes of a label value; a longer one is cut off.
pub const LABEL_BYTES_MAX: usize = 128;

/// Number of models with a series of their own (default of `models.max_series`).
pub const MODELS_DEFAULT: usize = 200;

/// Number of values of an extra label with a series of their own (default of `labels[].max_values`).
pub const LABEL_VALUES_DEFAULT: usize = 50;

/// Maximum number of extra labels.
pub const EXTRA_LABELS_MAX: usize = 4;

/// Bytes of memory in one worker for data whose size peers choose (default of `limits.worker_bytes`).
pub const WORKER_BYTES_DEFAULT: usize = 64 * 1024 * 1024;

/// Minimum of `limits.worker_bytes`.
pub const WORKER_BYTES_MIN: usize = 1024 * 1024;

/// Maximum of `limits.worker_bytes`: Envoy grants a worker's VM one gibibyte, some of which the VM needs itself.
pub const WORKER_BYTES_MAX: usize = 768 * 1024 * 1024;

/// Maximum distance in bytes of back-references in a compressed request. It is what encoders use by default, and enough
/// for the fields that are read.
pub const REQUEST_WINDOW_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Maximum distance in bytes of back-references in a compressed response: the largest window of `br`.
pub const RESPONSE_WINDOW_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of the worker's memory that each exchange in progress takes, whatever its peers send.
pub const EXCHANGE_BYTES: usize = 2560;

/// Maximum number of judges in one configuration.
pub const JUDGES_MAX: usize = 4;

/// Maximum number of criteria in one verdict.
pub const CRITERIA_MAX: usize = 8;

/// Timeout of a call to a judge in milliseconds (default of `judge.timeout_ms`).
pub const JUDGE_TIMEOUT_MS_DEFAULT: u64 = 30_000;

/// Maximum of `judge.max_in_flight`.
pub const JUDGE_IN_FLIGHT_MAX: usize = 1024;

/// Maximum of `judge.max_queue`.
pub const JUDGE_QUEUE_MAX: usize = 4096;

/// Maximum of `judge.max_chars`.
pub const JUDGE_CHARS_MAX: usize = 100_000;

/// Maximum of `judge.timeout_ms`. A plugin that is shut down waits this long for its last answers. A value beyond 32
/// bits would be misread or refused by a host.
pub const JUDGE_TIMEOUT_MS_MAX: u64 = 600_000;

/// Maximum bytes of a criterion's name, which is a label value and a key that judges have to repeat.
pub const CRITERION_NAME_BYTES_MAX: usize = 64;

/// Maximum plausible number of tokens of one call, read or written. A larger count of a provider or a judge is ignored,
/// so that it cannot exhaust a counter or a budget.
pub const TOKENS_MAX: u64 = 100_000_000;

/// Maximum number of judge calls in flight in one worker (default of `judge.max_in_flight`).
pub const JUDGE_IN_FLIGHT_DEFAULT: usize = 8;

/// Maximum number of exchanges queued for a judge in one worker (default of `judge.max_queue`).
pub const JUDGE_QUEUE_DEFAULT: usize = 64;

/// Maximum bytes of text queued for a judge in one worker, whatever `judge.max_queue` and `judge.max_chars` allow.
pub const JUDGE_QUEUE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Maximum number of characters of one exchange that a judge receives (default of `judge.max_chars`).
pub const JUDGE_CHARS_DEFAULT: usize = 24_000;

/// Maximum number of judge calls per minute in all workers (default of `judge.budget.calls_per_minute`).
pub const JUDGE_CALLS_PER_MINUTE_DEFAULT: u64 = 60;

/// Maximum number of tokens that a judge may write; a verdict of [`CRITERIA_MAX`] criteria needs fewer.
pub const JUDGE_OUTPUT_TOKENS_MAX: u64 = 1024;

/// Maximum bytes of a judge's answer; a longer one is no verdict.
pub const JUDGE_REPLY_BYTES_MAX: usize = 64 * 1024;

/// Maximum bytes of the reason for one score; a verdict with a longer one is invalid. The judge is asked for 200
/// characters.
pub const REASON_BYTES_MAX: usize = 1000;

/// Maximum milliseconds that a judge may request before a retry; if it requests more, there is no retry.
pub const RETRY_AFTER_MS_MAX: u64 = 30_000;

/// Maximum number of keys in one object of a document, such as a judge's answer.
pub const TREE_KEYS_MAX: usize = 256;

/// Maximum bytes of one feedback request (default of `feedback.max_bytes`).
pub const FEEDBACK_BYTES_DEFAULT: usize = 16 * 1024;

/// Maximum of `feedback.max_bytes`: Envoy itself refuses bodies over its buffer of one mebibyte.
pub const FEEDBACK_BYTES_MAX: usize = 1_000_000;

/// Maximum number of feedback requests per minute in all workers (default of `feedback.per_minute`).
pub const FEEDBACK_PER_MINUTE_DEFAULT: u64 = 600;

/// Hours for which feedback is accepted for an id (default of `feedback.max_age_hours`): thirty days.
pub const FEEDBACK_AGE_HOURS_DEFAULT: u64 = 720;

/// Maximum number of secrets: the one that signs, and earlier ones whose ids are still in use.
pub const SECRETS_MAX: usize = 4;

/// Minimum length of a signing secret in bytes. Ids are public, so a short secret can be brute-forced offline.
pub const SECRET_BYTES_MIN: usize = 16;

/// Maximum number of origins in `feedback.cors`.
pub const ORIGINS_MAX: usize = 64;

/// Maximum bytes of the message of a refused feedback request, which may quote the client.
pub const REFUSAL_BYTES_MAX: usize = 200;

/// Timeout of an export call in milliseconds (default of `telemetry.timeout_ms`).
pub const TELEMETRY_TIMEOUT_MS_DEFAULT: u64 = 10_000;

/// Maximum of `telemetry.timeout_ms`. A plugin that is shut down waits this long.
pub const TELEMETRY_TIMEOUT_MS_MAX: u64 = 300_000;

/// Maximum number of spans or events in one call (default of `telemetry.batch.max_items`).
pub const TELEMETRY_ITEMS_DEFAULT: usize = 512;

/// Maximum of `telemetry.batch.max_items`.
pub const TELEMETRY_ITEMS_MAX: usize = 8192;

/// Maximum bytes of spans or events in one call (default of `telemetry.batch.max_bytes`): below the mebibyte that many
/// servers accept.
pub const TELEMETRY_BATCH_BYTES_DEFAULT: usize = 512 * 1024;

/// Maximum bytes of spans and events held in one worker, including those in flight; further ones are dropped.
pub const TELEMETRY_QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Milliseconds for which a span waits for others (default of `telemetry.batch.interval_ms`).
pub const TELEMETRY_INTERVAL_MS_DEFAULT: u64 = 5_000;

/// Maximum of `telemetry.batch.interval_ms`.
pub const TELEMETRY_INTERVAL_MS_MAX: u64 = 3_600_000;

/// Maximum number of calls with spans in flight in one worker, and of calls with events.
pub const TELEMETRY_IN_FLIGHT_MAX: usize = 2;

/// Number of attempts to send a batch before it is dropped.
pub const TELEMETRY_TRIES_MAX: u32 = 6;

/// Milliseconds before the first retry; each further pause is twice as long.
pub const TELEMETRY_BACK_OFF_MS: u64 = 1_000;

/// Maximum pause in milliseconds, unless the receiver requests a longer one.
pub const TELEMETRY_BACK_OFF_MS_MAX: u64 = 30_000;

/// Maximum milliseconds that a receiver may request before a retry; if it requests more, this is the pause.
pub const TELEMETRY_RETRY_AFTER_MS_MAX: u64 = 300_000;

/// Bytes read of a receiver's answer, which states the number of rejected items at its beginning if at all.
pub const TELEMETRY_REPLY_BYTES_MAX: usize = 16 * 1024;

/// Maximum bytes of an attribute that clients or providers choose; a longer one is cut off. Content has a bound of its
/// own.
pub const ATTRIBUTE_BYTES_MAX: usize = 1024;

/// Maximum number of characters of each text exported with a span, unless the judge's limit applies.
pub const CONTENT_CHARS_DEFAULT: usize = 24_000;

/// Maximum number of patterns in `redact`.
pub const REDACT_PATTERNS_MAX: usize = 16;

/// Maximum bytes of a regular expression in `redact`.
pub const REGEX_BYTES_MAX: usize = 128;

/// Maximum bytes of a compiled regular expression. The time of a search is at most this size times the length of the
/// window that it reads.
pub const REGEX_COMPILED_BYTES_MAX: usize = 6 * 1024;

/// Steps of redaction in one turn of the root context, each about an instruction.
pub const REDACTION_SLICE_STEPS: u64 = 1_000_000;

/// Maximum steps of redaction for one exchange. Content that needs more is left out.
pub const REDACTION_STEPS_MAX: u64 = 1_000_000_000;

/// Milliseconds between two slices of redaction.
pub const REDACTION_PAUSE_MS: u64 = 2;
