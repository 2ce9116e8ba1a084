//! The dashboard of the quality of answers, rated by judges and by users.

use crate::dashboards::Kind::{Areas, Lines};
use crate::dashboards::Unit::{Count, Ratio, Score};
use crate::dashboards::{Dashboard, table::panel};

/// The dashboard.
pub(super) const DASHBOARD: Dashboard = Dashboard {
    name: "llm-gauge-quality",
    title: "Quality and feedback",
    panels: &[
        panel(
            "Faithfulness",
            "Exact mean of the past hour, with the threshold of LLMLowFaithfulness.",
            Lines,
            Score,
            &[
                (r#"llm:evaluation_mean:1h{criterion="faithfulness",model=~"$model"}"#, "{{model}}"),
                ("llm:threshold:faithfulness_mean", "threshold"),
            ],
        ),
        panel(
            "Other criteria",
            "Exact means of the past hour.",
            Lines,
            Score,
            &[(
                r#"llm:evaluation_mean:1h{criterion!="faithfulness",model=~"$model"}"#,
                "{{criterion}} {{model}}",
            )],
        ),
        panel(
            "Hallucinations",
            "Share of judged answers, with the threshold of LLMHallucinations.",
            Lines,
            Ratio,
            &[
                (r#"llm:hallucination_ratio:1h{model=~"$model"}"#, "{{model}}"),
                ("llm:threshold:hallucination_ratio", "threshold"),
            ],
        ),
        panel(
            "Scores for faithfulness",
            "Of the past hour: many 1 and 5 are two kinds of traffic, many 3 are one.",
            Areas,
            Count,
            &[(
                r#"sum by (score) (increase(llm_evaluations_total{criterion="faithfulness",model=~"$model"}[1h]))"#,
                "{{score}}",
            )],
        ),
        panel(
            "Means of a day",
            "What LLMQualityDrift compares with the week before.",
            Lines,
            Score,
            &[(r#"llm:evaluation_mean:1d{model=~"$model"}"#, "{{criterion}} {{model}}")],
        ),
        panel(
            "Scores in an hour",
            "How many the means are of.",
            Lines,
            Count,
            &[(r#"llm:evaluations:increase1h{model=~"$model"}"#, "{{criterion}} {{model}}")],
        ),
        panel(
            "Judges that differ",
            "By two points or more, or yes and no.",
            Lines,
            Count,
            &[(r#"sum by (criterion) (increase(llm_judge_disagreement_total[1h]))"#, "{{criterion}}")],
        ),
        panel(
            "Feedback",
            "Ratings of the past six hours.",
            Areas,
            Count,
            &[(r#"sum by (rating) (llm:feedback:increase6h{model=~"$model"})"#, "{{rating}}")],
        ),
        panel(
            "Thumbs down",
            "Share of ratings, with the threshold of LLMThumbsDown.",
            Lines,
            Ratio,
            &[
                (r#"llm:thumbs_down_ratio:6h{model=~"$model"}"#, "{{model}}"),
                ("llm:threshold:thumbs_down_ratio", "threshold"),
            ],
        ),
    ],
};
