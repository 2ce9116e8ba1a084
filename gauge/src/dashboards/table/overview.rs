//! The dashboard of requests and their outcomes.

use crate::dashboards::Kind::{Areas, Lines, Number};
use crate::dashboards::Unit::{Count, Dollars, PerSecond, Ratio, Score, Seconds};
use crate::dashboards::{Dashboard, table::panel};

/// The dashboard.
pub(super) const DASHBOARD: Dashboard = Dashboard {
    name: "llm-gauge-overview",
    title: "Overview",
    panels: &[
        panel(
            "Requests",
            "",
            Number,
            PerSecond,
            &[(
                r#"sum(rate(llm_requests_total{provider=~"$provider",model=~"$model"}[$__rate_interval]))"#,
                "",
            )],
        ),
        panel("In flight", "", Number, Count, &[(r#"sum(llm_active_requests{provider=~"$provider"})"#, "")]),
        panel(
            "Errors",
            "Of exchanges that ended as success or error.",
            Number,
            Ratio,
            &[(
                r#"(sum(llm:errors:increase5m{provider=~"$provider",model=~"$model"}) or 0 * sum(llm:requests:increase5m{provider=~"$provider",model=~"$model"})) / sum(llm:requests:increase5m{status=~"success|error",provider=~"$provider",model=~"$model"})"#,
                "",
            )],
        ),
        panel(
            "Slowest p99",
            "Of all models.",
            Number,
            Seconds,
            &[(
                r#"max(llm:request_duration_seconds:quantile5m{quantile="0.99",provider=~"$provider",model=~"$model"})"#,
                "",
            )],
        ),
        panel(
            "Cost of the past hour",
            "Judging included.",
            Number,
            Dollars,
            &[("llm:cost_dollars:total1h", "")],
        ),
        panel(
            "Faithfulness",
            "Mean of the past hour, of 5.",
            Number,
            Score,
            &[(
                r#"sum(llm:evaluation_points:increase1h{criterion="faithfulness",model=~"$model"}) / sum(llm:evaluations:increase1h{criterion="faithfulness",model=~"$model"})"#,
                "",
            )],
        ),
        panel(
            "Requests by model",
            "",
            Areas,
            PerSecond,
            &[(
                r#"sum by (model) (rate(llm_requests_total{provider=~"$provider",model=~"$model"}[$__rate_interval]))"#,
                "{{model}}",
            )],
        ),
        panel(
            "Requests by status",
            "Cancelled: the client left.",
            Areas,
            PerSecond,
            &[(
                r#"sum by (status) (rate(llm_requests_total{provider=~"$provider",model=~"$model"}[$__rate_interval]))"#,
                "{{status}}",
            )],
        ),
        panel(
            "Errors by class",
            "",
            Areas,
            PerSecond,
            &[(
                r#"sum by (error) (rate(llm_requests_total{status="error",provider=~"$provider",model=~"$model"}[$__rate_interval]))"#,
                "{{error}}",
            )],
        ),
        panel(
            "Share of errors",
            "With the threshold of LLMHighErrorRate.",
            Lines,
            Ratio,
            &[
                (r#"llm:error_ratio:5m{provider=~"$provider",model=~"$model"}"#, "{{model}}"),
                ("llm:threshold:error_ratio", "threshold"),
            ],
        ),
        panel(
            "In flight by provider",
            "",
            Lines,
            Count,
            &[(r#"sum by (provider) (llm_active_requests{provider=~"$provider"})"#, "{{provider}}")],
        ),
        panel(
            "Alerts",
            "Firing or pending.",
            Areas,
            Count,
            &[(
                r#"count by (alertname, alertstate) (ALERTS{alertname=~"LLM.*"})"#,
                "{{alertname}} {{alertstate}}",
            )],
        ),
    ],
};
