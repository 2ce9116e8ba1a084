//! Every bound that has a name. What a bound drops is a [`Gap`](crate::record::Gap) or counted as overflow.

/// Nesting of JSON containers in one document; deeper is [`Gap::TooDeep`](crate::record::Gap::TooDeep).
pub const DEPTH_MAX: u32 = 128;

/// Bytes of an object key that can still match a path; a longer key matches none.
pub const KEY_BYTES_MAX: usize = 64;

/// Bytes kept of a string the record needs (a model, an id, a finish reason); the rest is cut off.
pub const SCALAR_BYTES_MAX: usize = 256;

/// Bytes of a JSON number; a longer one is not a count.
pub const NUMBER_BYTES_MAX: usize = 40;

/// Values kept from one document before it is applied.
pub const VALUES_PER_DOCUMENT_MAX: usize = 1024;

/// Bytes of text kept from one document before it is applied.
pub const DOCUMENT_TEXT_BYTES_MAX: usize = 16 * 1024;

/// Choices told apart in one exchange.
pub const CHOICES_MAX: usize = 256;

/// Bytes of an AWS event stream frame's headers that are kept; what stands beyond them says nothing.
pub const FRAME_HEADER_BYTES_MAX: usize = 4 * 1024;

/// Bytes of a line in a form that are kept; files beside the fields are longer and matter to nobody.
pub const FORM_LINE_BYTES_MAX: usize = 512;

/// Bytes of one stream event (default of `limits.event_bytes`).
pub const EVENT_BYTES_DEFAULT: u64 = 16 * 1024 * 1024;

/// Bytes of a request that is held to be edited (default of `limits.request_bytes`); a longer one passes untouched.
/// Below the mebibyte that Envoy buffers by default: what is more than its buffer takes, it refuses.
pub const REQUEST_BYTES_DEFAULT: usize = 1_000_000;

/// Bytes of a stream event that are held until it is clear whether to hide it; a longer one passes.
pub const HELD_EVENT_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a label value; what is longer is cut off.
pub const LABEL_BYTES_MAX: usize = 128;

/// Models with a label of their own (default of `models.max_series`).
pub const MODELS_DEFAULT: usize = 200;

/// Values of an extra label with a series of their own (default of `labels[].max_values`).
pub const LABEL_VALUES_DEFAULT: usize = 50;

/// Extra labels an operator may add.
pub const EXTRA_LABELS_MAX: usize = 4;

/// Bytes of memory that one worker grants to what peers choose the size of (default of `limits.worker_bytes`).
pub const WORKER_BYTES_DEFAULT: usize = 64 * 1024 * 1024;

/// The least that `limits.worker_bytes` may be.
pub const WORKER_BYTES_MIN: usize = 1024 * 1024;

/// The most that `limits.worker_bytes` may be: Envoy grants a worker's VM a gibibyte, and needs some of it itself.
pub const WORKER_BYTES_MAX: usize = 768 * 1024 * 1024;

/// Bytes that a compressed request may refer back to: what encoders use unless they are told otherwise, and enough for
/// the fields that are read.
pub const REQUEST_WINDOW_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes that a compressed response may refer back to: the largest window of `br`.
pub const RESPONSE_WINDOW_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes that an exchange under way takes from the worker's memory, whatever its peers send.
pub const EXCHANGE_BYTES: usize = 2560;

/// Judges that one configuration can name.
pub const JUDGES_MAX: usize = 4;

/// Criteria that one verdict can hold.
pub const CRITERIA_MAX: usize = 8;

/// Milliseconds that one call to a judge takes at most (default of `judge.timeout_ms`).
pub const JUDGE_TIMEOUT_MS_DEFAULT: u64 = 30_000;

/// What `judge.max_in_flight` may be at most.
pub const JUDGE_IN_FLIGHT_MAX: usize = 1024;

/// What `judge.max_queue` may be at most.
pub const JUDGE_QUEUE_MAX: usize = 4096;

/// What `judge.max_chars` may be at most.
pub const JUDGE_CHARS_MAX: usize = 1_000_000;

/// What `judge.timeout_ms` may be at most: a plugin that goes waits so long for its last answers. Beyond 32 bits a host
/// would take another number for it, or none.
pub const JUDGE_TIMEOUT_MS_MAX: u64 = 600_000;

/// Bytes of a criterion's name: it is a label, and a key that judges have to repeat.
pub const CRITERION_NAME_BYTES_MAX: usize = 64;

/// Tokens of one call, read or written, that are believed: what a judge claims beyond is no count, and must not be the
/// end of a counter and of a budget.
pub const JUDGE_TOKENS_MAX: u64 = 100_000_000;

/// Calls to judges under way in one worker (default of `judge.max_in_flight`).
pub const JUDGE_IN_FLIGHT_DEFAULT: usize = 8;

/// Exchanges that wait for a judge in one worker (default of `judge.max_queue`).
pub const JUDGE_QUEUE_DEFAULT: usize = 64;

/// Bytes of text that wait for a judge in one worker, whatever `judge.max_queue` and `judge.max_chars` allow.
pub const JUDGE_QUEUE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Characters of one exchange that a judge sees (default of `judge.max_chars`).
pub const JUDGE_CHARS_DEFAULT: usize = 24_000;

/// Calls to judges in a minute, all workers counted (default of `judge.budget.calls_per_minute`).
pub const JUDGE_CALLS_PER_MINUTE_DEFAULT: u64 = 60;

/// Tokens that a judge may write; a verdict of [`CRITERIA_MAX`] criteria needs fewer.
pub const JUDGE_OUTPUT_TOKENS_MAX: u64 = 1024;

/// Bytes of a judge's answer that are read; a longer one is no verdict.
pub const JUDGE_REPLY_BYTES_MAX: usize = 64 * 1024;

/// Bytes of the reason for one score; a verdict with a longer one is invalid. The judge is asked for 200 characters.
pub const REASON_BYTES_MAX: usize = 1000;

/// Milliseconds that a judge may ask us to wait before the second try; whoever asks for longer gets no second try.
pub const RETRY_AFTER_MS_MAX: u64 = 30_000;

/// Keys of one object in a judge's answer.
pub const TREE_KEYS_MAX: usize = 256;

/// Bytes of one feedback (default of `feedback.max_bytes`).
pub const FEEDBACK_BYTES_DEFAULT: usize = 16 * 1024;

/// What `feedback.max_bytes` may be at most: Envoy refuses by itself what is over its buffer of a mebibyte.
pub const FEEDBACK_BYTES_MAX: usize = 1_000_000;

/// Feedback taken in a minute, all workers counted (default of `feedback.per_minute`).
pub const FEEDBACK_PER_MINUTE_DEFAULT: u64 = 600;

/// Hours for which an id takes feedback (default of `feedback.max_age_hours`): thirty days.
pub const FEEDBACK_AGE_HOURS_DEFAULT: u64 = 720;

/// Secrets at once: the one that signs, and those before it whose ids are still out.
pub const SECRETS_MAX: usize = 4;

/// Bytes of a secret. Whoever has an id can try secrets on it for as long as he likes.
pub const SECRET_BYTES_MIN: usize = 16;

/// Origins that `feedback.cors` can name.
pub const ORIGINS_MAX: usize = 64;

/// Bytes of what a refusal of feedback says; it may have words of the client's in it.
pub const REFUSAL_BYTES_MAX: usize = 200;

/// Milliseconds that one call with spans or events takes at most (default of `telemetry.timeout_ms`).
pub const TELEMETRY_TIMEOUT_MS_DEFAULT: u64 = 10_000;

/// What `telemetry.timeout_ms` may be at most: a plugin that is to go waits as long.
pub const TELEMETRY_TIMEOUT_MS_MAX: u64 = 300_000;

/// Spans or events that one call carries (default of `telemetry.batch.max_items`).
pub const TELEMETRY_ITEMS_DEFAULT: usize = 512;

/// What `telemetry.batch.max_items` may be at most.
pub const TELEMETRY_ITEMS_MAX: usize = 8192;

/// Bytes of spans or events that one call carries (default of `telemetry.batch.max_bytes`): below the mebibyte that
/// many servers take.
pub const TELEMETRY_BATCH_BYTES_DEFAULT: usize = 512 * 1024;

/// Bytes of spans and events kept in one worker, those under way included; what comes beyond is dropped.
pub const TELEMETRY_QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Milliseconds that a span waits for others (default of `telemetry.batch.interval_ms`).
pub const TELEMETRY_INTERVAL_MS_DEFAULT: u64 = 5_000;

/// What `telemetry.batch.interval_ms` may be at most.
pub const TELEMETRY_INTERVAL_MS_MAX: u64 = 3_600_000;

/// Calls with spans, and as many with events, under way in one worker.
pub const TELEMETRY_IN_FLIGHT_MAX: usize = 2;

/// How often one batch is sent before it is dropped.
pub const TELEMETRY_TRIES_MAX: u32 = 6;

/// Milliseconds before the second try; each further pause is twice as long.
pub const TELEMETRY_BACK_OFF_MS: u64 = 1_000;

/// The longest pause of our own.
pub const TELEMETRY_BACK_OFF_MS_MAX: u64 = 30_000;

/// Milliseconds that a receiver may ask us to wait; whoever asks for longer is waited for so long.
pub const TELEMETRY_RETRY_AFTER_MS_MAX: u64 = 300_000;

/// Bytes of a receiver's answer that are read: it says how many were rejected, at its beginning or not at all.
pub const TELEMETRY_REPLY_BYTES_MAX: usize = 16 * 1024;

/// Bytes of an attribute that clients or providers choose; what is longer is cut off. Content has its own bound.
pub const ATTRIBUTE_BYTES_MAX: usize = 1024;

/// Characters of each text that may leave with a span, where no judge has a bound of its own.
pub const CONTENT_CHARS_DEFAULT: usize = 24_000;

/// Patterns that `redact` can name.
pub const REDACT_PATTERNS_MAX: usize = 16;

/// Bytes of a regular expression in `redact`.
pub const REGEX_BYTES_MAX: usize = 512;

/// Bytes that one of them may be compiled to: its time is this by the text's length.
pub const REGEX_COMPILED_BYTES_MAX: usize = 32 * 1024;
