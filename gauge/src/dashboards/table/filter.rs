//! The dashboard of the filter and its judge.

use crate::dashboards::Kind::{Areas, Lines, Number};
use crate::dashboards::Unit::{Count, Dollars, PerSecond, Ratio, Seconds};
use crate::dashboards::{Dashboard, table::panel};

/// The dashboard.
pub(super) const DASHBOARD: Dashboard = Dashboard {
    name: "llm-gauge-itself",
    title: "The gauge itself",
    panels: &[
        panel("Proxies with the filter", "", Number, Count, &[("count(llm_gauge_build_info > 0)", "")]),
        panel(
            "Versions",
            "Of filter, configuration and prices together: more than one while a rollout is under way.",
            Number,
            Count,
            &[("count(count by (version, config, prices) (llm_gauge_build_info > 0))", "")],
        ),
        panel(
            "Series",
            "Of the filter, in all proxies.",
            Number,
            Count,
            &[(r#"count({__name__=~"llm_.*"})"#, "")],
        ),
        panel(
            "Judge: cost of the past hour",
            "",
            Number,
            Dollars,
            &[("sum(increase(llm_judge_cost_nanodollars_total[1h])) / 1e9", "")],
        ),
        panel(
            "Judge: outcomes",
            "Every sampled exchange ends in one.",
            Areas,
            PerSecond,
            &[(
                r#"sum by (outcome) (rate(llm_judge_outcomes_total{model=~"$model"}[$__rate_interval]))"#,
                "{{outcome}}",
            )],
        ),
        panel(
            "Judge: scored",
            "Of what was sampled and could be judged, with the threshold of LLMJudgeSilent.",
            Lines,
            Ratio,
            &[
                (r#"llm:judge_scored_ratio:1h{model=~"$model"}"#, "{{model}}"),
                ("llm:threshold:judge_scored_ratio", "threshold"),
            ],
        ),
        panel(
            "Judge: time of a call",
            "",
            Lines,
            Seconds,
            &[
                (
                    "histogram_quantile(0.5, sum by (le) (rate(llm_judge_duration_milliseconds_bucket[$__rate_interval]))) / 1000",
                    "p50",
                ),
                (
                    "histogram_quantile(0.95, sum by (le) (rate(llm_judge_duration_milliseconds_bucket[$__rate_interval]))) / 1000",
                    "p95",
                ),
            ],
        ),
        panel(
            "Judge: tokens",
            "A second.",
            Areas,
            PerSecond,
            &[("sum by (type) (rate(llm_judge_tokens_total[$__rate_interval]))", "{{type}}")],
        ),
        panel(
            "Judge: sampled",
            "In an hour.",
            Lines,
            Count,
            &[(r#"llm:judge_sampled:increase1h{model=~"$model"}"#, "{{model}}")],
        ),
        panel(
            "Bodies that could not be read",
            "By reason, in an hour.",
            Lines,
            Count,
            &[("sum by (reason) (increase(llm_gauge_gaps_total[1h]))", "{{reason}}")],
        ),
        panel(
            "Folded into other",
            "Label values over a limit, in an hour.",
            Lines,
            Count,
            &[("sum by (limit) (increase(llm_gauge_series_overflow_total[1h]))", "{{limit}}")],
        ),
        panel(
            "Dropped",
            "Spans and events that the collector did not take, and exchanges without memory, a second.",
            Lines,
            PerSecond,
            &[("sum by (kind) (rate(llm_gauge_dropped_total[$__rate_interval]))", "{{kind}}")],
        ),
    ],
};
