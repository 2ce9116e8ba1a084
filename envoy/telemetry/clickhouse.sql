-- Exchanges and scores as typed rows, filled from the tables of the OpenTelemetry Collector's exporter (its default
-- schema: otel_traces and otel_logs, attributes as maps of strings).
--
-- A materialized view sees what is inserted from now on, so this is best run before the gateways send. A retry of the
-- collector's may bring a row twice: ReplacingMergeTree keeps one of each key, and FINAL in a query sees one even
-- before the parts are merged.

CREATE TABLE IF NOT EXISTS gauge_spans
(
    start               DateTime64(9, 'UTC'),
    trace_id            String,
    span_id             String,
    service             LowCardinality(String),
    provider            LowCardinality(String),
    operation           LowCardinality(String),
    model               LowCardinality(String),
    status              LowCardinality(String),
    error               LowCardinality(String),
    input_tokens        Nullable(UInt64),
    output_tokens       Nullable(UInt64),
    cached_input_tokens Nullable(UInt64),
    reasoning_tokens    Nullable(UInt64),
    cost_nanodollars    Nullable(UInt64),
    duration_ms         UInt64,
    first_token_ms      Nullable(UInt64)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (model, start, trace_id, span_id)
TTL toDateTime(start) + INTERVAL 2 YEAR;

CREATE TABLE IF NOT EXISTS gauge_evaluations
(
    time        DateTime64(9, 'UTC'),
    trace_id    String,
    span_id     String,
    uid         String,
    model       LowCardinality(String),
    name        LowCardinality(String),
    source      LowCardinality(String),
    judge_model LowCardinality(String),
    value       Nullable(Float64),
    label       LowCardinality(String),
    explanation String
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (name, time, trace_id, span_id, uid)
TTL toDateTime(time) + INTERVAL 2 YEAR;

CREATE MATERIALIZED VIEW IF NOT EXISTS gauge_spans_filled TO gauge_spans AS
SELECT
    Timestamp AS start,
    TraceId AS trace_id,
    SpanId AS span_id,
    ServiceName AS service,
    SpanAttributes['gen_ai.provider.name'] AS provider,
    SpanAttributes['gen_ai.operation.name'] AS operation,
    SpanAttributes['llm_gauge.model'] AS model,
    SpanAttributes['llm_gauge.status'] AS status,
    SpanAttributes['llm_gauge.error'] AS error,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.input_tokens']) AS input_tokens,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.output_tokens']) AS output_tokens,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.cache_read.input_tokens']) AS cached_input_tokens,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.reasoning.output_tokens']) AS reasoning_tokens,
    toUInt64OrNull(SpanAttributes['llm_gauge.cost_nanodollars']) AS cost_nanodollars,
    coalesce(toUInt64OrNull(SpanAttributes['llm_gauge.duration_ms']), intDiv(Duration, 1000000)) AS duration_ms,
    toUInt64OrNull(SpanAttributes['llm_gauge.first_token_ms']) AS first_token_ms
FROM otel_traces
WHERE SpanAttributes['llm_gauge.model'] != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS gauge_evaluations_filled TO gauge_evaluations AS
SELECT
    Timestamp AS time,
    TraceId AS trace_id,
    SpanId AS span_id,
    LogAttributes['log.record.uid'] AS uid,
    LogAttributes['llm_gauge.model'] AS model,
    LogAttributes['gen_ai.evaluation.name'] AS name,
    LogAttributes['llm_gauge.evaluation.source'] AS source,
    LogAttributes['llm_gauge.judge.model'] AS judge_model,
    toFloat64OrNull(LogAttributes['gen_ai.evaluation.score.value']) AS value,
    LogAttributes['gen_ai.evaluation.score.label'] AS label,
    LogAttributes['gen_ai.evaluation.explanation'] AS explanation
FROM otel_logs
WHERE LogAttributes['event.name'] = 'gen_ai.evaluation.result';
