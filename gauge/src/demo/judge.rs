//! The demo's judge, and the results of it.

use std::collections::BTreeMap;
use std::env;

use anyhow::Result;
use serde_json::{Value, json};
use simulators::envoy::{Bootstrap, Stats};
use simulators::judge::{JudgeBehaviour, JudgeServer};
use simulators::load::Protocol;

use super::DemoArgs;
use super::checks::Check;

/// The share of exchanges that are judged. The shipped share would leave a demo with next to none.
const SAMPLE_RATE: f64 = 0.3;

/// The environment variable with the key of a real judge.
const KEY: &str = "JUDGE_API_KEY";

/// Adds a judge to the bootstrap: a real one, or the stand-in, which runs as long as the returned value. `None` if a
/// real judge is used, or if real providers are used and no judge is named.
pub(super) async fn add(args: &DemoArgs, bootstrap: Bootstrap) -> Result<(Bootstrap, Option<JudgeServer>)> {
    let changes = |model: &str, headers: Value| {
        json!({"model": model, "headers": headers, "sample_rate": if args.upstream.is_some() { 1.0 } else { SAMPLE_RATE },
            "budget": {"calls_per_minute": 1_000_000}})
    };
    match &args.judge {
        Some(url) => {
            let headers =
                env::var(KEY).map_or(json!({}), |key| json!({"authorization": format!("Bearer {key}")}));
            let bootstrap = bootstrap.judged(changes(&args.judge_model, headers))?;
            Ok((bootstrap.upstream_url("judge", url)?, None))
        }
        None if args.upstream.is_some() => Ok((bootstrap, None)),
        None => {
            let judge = JudgeServer::start(JudgeBehaviour::Verdict).await?;
            let bootstrap = bootstrap.judged(changes("word-counter", json!({})))?;
            Ok((bootstrap.upstream("judge", judge.address(), Protocol::Http1)?, Some(judge)))
        }
    }
}

/// Checks that every sampled exchange has an outcome, and every verdict its scores. The stand-in answers every
/// question.
pub(super) fn check(stats: &Stats, is_stand_in: bool) -> Check {
    let sampled = stats.sum("llm_judge_sampled_total", &[]);
    let of = |outcome| stats.sum("llm_judge_outcomes_total", &[("outcome", outcome)]);
    let mut differences = Vec::new();
    let mut same = |what: &str, found: f64, expected: f64| {
        if found != expected {
            differences.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    same("outcomes of sampled exchanges", stats.sum("llm_judge_outcomes_total", &[]), sampled);
    if is_stand_in {
        same("scored or not applicable", of("scored") + of("not_applicable"), sampled);
        for criterion in ["relevance", "completeness"] {
            same(criterion, stats.sum("llm_evaluations_total", &[("criterion", criterion)]), of("scored"));
        }
        let points: f64 = (1..=5)
            .map(|score| {
                f64::from(score) * stats.sum("llm_evaluations_total", &[("score", &score.to_string())])
            })
            .sum();
        same("points", stats.sum("llm_evaluation_points_total", &[]), points);
    }
    let result = format!(
        "{sampled} sampled, {} scored, {} without an answer to judge",
        of("scored"),
        of("not_applicable")
    );
    Check::new("llm_judge_outcomes_total", result, differences)
}

/// Returns the mean of each criterion.
fn means(stats: &Stats) -> BTreeMap<String, f64> {
    let mean = |criterion: String| {
        let of = |name| stats.sum(name, &[("criterion", &criterion)]);
        let mean = of("llm_evaluation_points_total") / of("llm_evaluations_total");
        (criterion, mean)
    };
    stats.values_of("llm_evaluations_total", "criterion").into_iter().map(mean).collect()
}

/// Returns the share of judged answers with a hallucination.
fn hallucinations(stats: &Stats) -> f64 {
    let all = stats.sum("llm_hallucinations_total", &[]);
    stats.sum("llm_hallucinations_total", &[("verdict", "yes")]) / all.max(1.0)
}

/// Returns the results of the judge as a line of text.
pub(super) fn line(stats: &Stats) -> String {
    let means: Vec<_> = means(stats).iter().map(|(name, mean)| format!("{name} {mean:.2}")).collect();
    format!("judged: {}; hallucination rate: {:.0} %", means.join(", "), hallucinations(stats) * 100.0)
}

/// Returns the results of the judge as JSON.
pub(super) fn summary(stats: &Stats) -> Value {
    let outcomes = stats.values_of("llm_judge_outcomes_total", "outcome").into_iter().map(|outcome| {
        let count = stats.sum("llm_judge_outcomes_total", &[("outcome", &outcome)]);
        (outcome, json!(count))
    });
    json!({
        "sampled": stats.sum("llm_judge_sampled_total", &[]),
        "outcomes": outcomes.collect::<serde_json::Map<_, _>>(),
        "means": means(stats),
        "hallucinated": hallucinations(stats),
    })
}
