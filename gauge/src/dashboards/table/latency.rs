//! The dashboard of latencies and streams.

use crate::dashboards::Kind::{Areas, Lines};
use crate::dashboards::Unit::{Count, PerSecond, Seconds};
use crate::dashboards::{Dashboard, table::panel};

/// The dashboard.
pub(super) const DASHBOARD: Dashboard = Dashboard {
    name: "llm-gauge-latency",
    title: "Latency and streams",
    panels: &[
        panel(
            "Whole exchange, p99",
            "With the threshold of LLMHighLatency.",
            Lines,
            Seconds,
            &[
                (
                    r#"llm:request_duration_seconds:quantile5m{quantile="0.99",provider=~"$provider",model=~"$model"}"#,
                    "{{model}}",
                ),
                ("llm:threshold:request_duration_p99_seconds", "threshold {{model}}"),
            ],
        ),
        panel(
            "Whole exchange, p95",
            "",
            Lines,
            Seconds,
            &[(
                r#"llm:request_duration_seconds:quantile5m{quantile="0.95",provider=~"$provider",model=~"$model"}"#,
                "{{model}}",
            )],
        ),
        panel(
            "Whole exchange, p50",
            "",
            Lines,
            Seconds,
            &[(
                r#"llm:request_duration_seconds:quantile5m{quantile="0.5",provider=~"$provider",model=~"$model"}"#,
                "{{model}}",
            )],
        ),
        panel(
            "First token, p99",
            "Of any kind, reasoning included; streams only. With the threshold of LLMSlowFirstToken.",
            Lines,
            Seconds,
            &[
                (
                    r#"llm:time_to_first_token_seconds:quantile5m{quantile="0.99",provider=~"$provider",model=~"$model"}"#,
                    "{{model}}",
                ),
                ("llm:threshold:time_to_first_token_p99_seconds", "threshold {{model}}"),
            ],
        ),
        panel(
            "First token, p95",
            "",
            Lines,
            Seconds,
            &[(
                r#"llm:time_to_first_token_seconds:quantile5m{quantile="0.95",provider=~"$provider",model=~"$model"}"#,
                "{{model}}",
            )],
        ),
        panel(
            "First token, p50",
            "",
            Lines,
            Seconds,
            &[(
                r#"llm:time_to_first_token_seconds:quantile5m{quantile="0.5",provider=~"$provider",model=~"$model"}"#,
                "{{model}}",
            )],
        ),
        panel(
            "First byte, p95",
            "Of the body: a provider that answers and then thinks is early here and late above.",
            Lines,
            Seconds,
            &[(
                r#"histogram_quantile(0.95, sum by (model, le) (rate(llm_time_to_first_byte_milliseconds_bucket{provider=~"$provider",model=~"$model"}[$__rate_interval]))) / 1000"#,
                "{{model}}",
            )],
        ),
        panel(
            "First visible text, p95",
            "Streams only: what a person waits for.",
            Lines,
            Seconds,
            &[(
                r#"histogram_quantile(0.95, sum by (model, le) (rate(llm_time_to_first_answer_milliseconds_bucket{provider=~"$provider",model=~"$model"}[$__rate_interval]))) / 1000"#,
                "{{model}}",
            )],
        ),
        panel(
            "Time for each token, p50",
            "After the first one; streams only.",
            Lines,
            Seconds,
            &[(
                r#"histogram_quantile(0.5, sum by (model, le) (rate(llm_time_per_output_token_microseconds_bucket{provider=~"$provider",model=~"$model"}[$__rate_interval]))) / 1e6"#,
                "{{model}}",
            )],
        ),
        panel(
            "Failed within a stream",
            "An error event behind a status of 200, or a connection that broke.",
            Areas,
            PerSecond,
            &[(
                r#"sum by (error) (rate(llm_requests_total{error=~"in_stream|upstream_reset",provider=~"$provider",model=~"$model"}[$__rate_interval]))"#,
                "{{error}}",
            )],
        ),
        panel(
            "Length of answers",
            "Output tokens for each success.",
            Lines,
            Count,
            &[(
                r#"sum by (model) (rate(llm_tokens_total{type="output",provider=~"$provider",model=~"$model"}[$__rate_interval])) / (sum by (model) (rate(llm_requests_total{status="success",provider=~"$provider",model=~"$model"}[$__rate_interval])) > 0)"#,
                "{{model}}",
            )],
        ),
        panel(
            "Requests in five minutes",
            "How many the quantiles above are of.",
            Lines,
            Count,
            &[(
                r#"sum by (model) (llm:requests:increase5m{provider=~"$provider",model=~"$model"})"#,
                "{{model}}",
            )],
        ),
    ],
};
