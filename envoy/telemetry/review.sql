-- The weekly review: per week (from Monday, UTC) and model what was asked, what it cost, and how good it was. A score
-- counts in the week of its exchange, not in that of the judge's answer.
--
-- `quantileExact(p)` is the value at place floor(p * n) of n sorted ones, counted from 0.

WITH
    exchanges AS
    (
        SELECT *, toMonday(start) AS week
        FROM gauge_spans FINAL
        WHERE start >= toMonday(now('UTC')) - INTERVAL 12 WEEK
    ),
    traffic AS
    (
        SELECT
            week,
            model,
            count() AS requests,
            countIf(status = 'error') AS errors,
            quantileExact(0.5)(duration_ms) AS p50_ms,
            quantileExact(0.99)(duration_ms) AS p99_ms,
            sum(coalesce(input_tokens, 0)) AS input_tokens,
            sum(coalesce(output_tokens, 0)) AS output_tokens,
            sum(coalesce(cost_nanodollars, 0)) AS cost_nanodollars
        FROM exchanges
        GROUP BY week, model
    ),
    quality AS
    (
        SELECT
            exchanges.week AS week,
            exchanges.model AS model,
            avgOrNullIf(scores.value, scores.name = 'faithfulness') AS faithfulness,
            avgOrNullIf(scores.value, scores.name = 'relevance') AS relevance,
            avgOrNullIf(scores.value, scores.name = 'completeness') AS completeness,
            avgOrNullIf(scores.label = 'yes', scores.name = 'hallucination') AS hallucination_rate,
            avgOrNullIf(scores.label = 'down', scores.name = 'user_feedback' AND scores.label IN ('up', 'down'))
                AS thumbs_down_rate
        FROM gauge_evaluations AS scores FINAL
        INNER JOIN exchanges ON exchanges.trace_id = scores.trace_id AND exchanges.span_id = scores.span_id
        GROUP BY week, model
    )
SELECT
    traffic.*,
    quality.faithfulness,
    quality.relevance,
    quality.completeness,
    quality.hallucination_rate,
    quality.thumbs_down_rate
FROM traffic
LEFT JOIN quality ON quality.week = traffic.week AND quality.model = traffic.model
ORDER BY week, model
SETTINGS join_use_nulls = 1;
