//! The dashboard of tokens and their cost.

use crate::dashboards::Kind::{Areas, Lines};
use crate::dashboards::Unit::{Count, Dollars, PerSecond, Ratio};
use crate::dashboards::{Dashboard, table::panel};

/// The dashboard.
pub(super) const DASHBOARD: Dashboard = Dashboard {
    name: "llm-gauge-cost",
    title: "Tokens and cost",
    panels: &[
        panel(
            "Cost of the past hour",
            "All traffic and judging, with the threshold of LLMCostHigh.",
            Lines,
            Dollars,
            &[("llm:cost_dollars:total1h", "all"), ("llm:threshold:cost_dollars_per_hour", "threshold")],
        ),
        panel(
            "Cost of the past hour by model",
            "",
            Areas,
            Dollars,
            &[(r#"llm:cost_dollars:increase1h{provider=~"$provider",model=~"$model"}"#, "{{model}}")],
        ),
        panel(
            "Cost of the past hour by class",
            "",
            Areas,
            Dollars,
            &[(
                r#"sum by (type) (increase(llm_cost_nanodollars_total{provider=~"$provider",model=~"$model"}[1h])) / 1e9"#,
                "{{type}}",
            )],
        ),
        panel(
            "Tokens",
            "A second.",
            Areas,
            PerSecond,
            &[(r#"sum by (type) (llm:tokens:rate5m{provider=~"$provider",model=~"$model"})"#, "{{type}}")],
        ),
        panel(
            "Tokens by model",
            "A second.",
            Areas,
            PerSecond,
            &[(r#"sum by (model) (llm:tokens:rate5m{provider=~"$provider",model=~"$model"})"#, "{{model}}")],
        ),
        panel(
            "Against what is usual",
            "Tokens of the past hour for each one of the baseline, with the threshold of LLMTokenSpike.",
            Lines,
            Count,
            &[
                (
                    r#"llm:tokens:increase1h{provider=~"$provider",model=~"$model"} / on (provider, model) clamp_min(max by (provider, model) (llm:tokens:baseline1h), 1)"#,
                    "{{model}}",
                ),
                ("llm:threshold:token_spike_times", "threshold"),
            ],
        ),
        panel(
            "Input from a cache",
            "",
            Lines,
            Ratio,
            &[(
                r#"sum by (model) (rate(llm_token_details_total{type="cached_input",provider=~"$provider",model=~"$model"}[$__rate_interval])) / (sum by (model) (rate(llm_tokens_total{type="input",provider=~"$provider",model=~"$model"}[$__rate_interval])) > 0)"#,
                "{{model}}",
            )],
        ),
        panel(
            "Dollars for a thousand successes",
            "",
            Lines,
            Dollars,
            &[(
                r#"1000 * llm:cost_dollars:increase1h{provider=~"$provider",model=~"$model"} / on (provider, model) (sum by (provider, model) (increase(llm_requests_total{status="success"}[1h])) > 0)"#,
                "{{model}}",
            )],
        ),
        panel(
            "Tokens without a price",
            "Of the past hour; the costs above are too low by them.",
            Lines,
            Count,
            &[(r#"llm:unpriced_tokens:increase1h{provider=~"$provider",model=~"$model"}"#, "{{model}}")],
        ),
        panel(
            "Tokens that are estimates",
            "",
            Lines,
            Ratio,
            &[(
                r#"sum by (model) (increase(llm_tokens_total{source="estimated",provider=~"$provider",model=~"$model"}[1h])) / (sum by (model) (increase(llm_tokens_total{provider=~"$provider",model=~"$model"}[1h])) > 0)"#,
                "{{model}}",
            )],
        ),
        panel(
            "Exchanges without usage",
            "By reason.",
            Areas,
            PerSecond,
            &[(
                r#"sum by (reason) (rate(llm_usage_missing_total{provider=~"$provider",model=~"$model"}[$__rate_interval]))"#,
                "{{reason}}",
            )],
        ),
        panel(
            "Parts of tokens",
            "Reasoning is in output, what is cached in input.",
            Lines,
            PerSecond,
            &[(
                r#"sum by (type) (rate(llm_token_details_total{provider=~"$provider",model=~"$model"}[$__rate_interval]))"#,
                "{{type}}",
            )],
        ),
    ],
};
