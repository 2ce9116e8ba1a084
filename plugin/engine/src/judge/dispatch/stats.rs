//! The stats and scores of judge calls.

use crate::judge::capture::JudgeJob;
use crate::judge::{Evaluation, EvaluationSource};
use crate::judge::{HALLUCINATION, Judge, Outcome, Verdict};
use crate::metrics::{self, Metric, StatUpdate};
use crate::price::{PriceTable, Tokens, UNITS_PER_NANODOLLAR};
use crate::usage::Usage;

/// The smallest difference between the scores of two judges that counts as a disagreement.
const DISAGREEMENT_MIN: u8 = 2;

fn count(metric: &Metric, labels: &[(&'static str, &str)], by: u64) -> StatUpdate {
    StatUpdate::Count { stat: metrics::stat(metric, labels.iter().copied()), by }
}

/// Counts a sampled exchange.
pub(crate) fn sampled(model: &str) -> StatUpdate {
    count(&metrics::JUDGE_SAMPLED, &[("model", model)], 1)
}

/// Counts the outcome of a sampled exchange.
pub(crate) fn outcome(model: &str, outcome: Outcome) -> StatUpdate {
    count(&metrics::JUDGE_OUTCOMES, &[("model", model), ("outcome", outcome.name())], 1)
}

/// Records the duration of a callout in milliseconds.
pub(super) fn duration(model: &str, value: u64) -> StatUpdate {
    let labels = [("model", model)];
    StatUpdate::Observe { stat: metrics::stat(&metrics::JUDGE_DURATION, labels.into_iter()), value }
}

/// Counts the end of a job: its verdicts, or its first failure if there is none.
pub(super) fn end(model: &str, verdicts: &[Verdict], failure: Option<Outcome>, out: &mut Vec<StatUpdate>) {
    if verdicts.is_empty() {
        out.push(outcome(model, failure.unwrap_or(Outcome::Lost)));
        return;
    }
    out.push(outcome(model, Outcome::Scored));
    for verdict in verdicts {
        scores(model, verdict, out);
    }
    if let [one, other] = verdicts {
        disagreement(one, other, out);
    }
}

/// Returns each score of a verdict as an evaluation. The nonce of its callout makes their ids unique.
pub(super) fn evaluations(
    job: &JudgeJob,
    verdict: &Verdict,
    (judge_model, nonce): (&str, &str),
) -> Vec<Evaluation> {
    let evaluation = |name: &str, value: f64, label: String, reason: &str| Evaluation {
        request_id: job.request_id.clone(),
        ids: job.ids,
        model: job.model.clone(),
        name: name.to_owned(),
        value,
        label,
        explanation: Some(reason.to_owned()),
        source: EvaluationSource::Judge(judge_model.to_owned()),
        uid: [nonce, "-", name].concat(),
    };
    let scores = verdict.scores.iter().map(|(criterion, score, reason)| {
        evaluation(criterion, f64::from(*score), score.to_string(), reason)
    });
    let finding = verdict.hallucination.iter().map(|(is_found, reason)| {
        let label = if *is_found { "yes" } else { "no" };
        evaluation(HALLUCINATION, f64::from(u8::from(*is_found)), label.to_owned(), reason)
    });
    scores.chain(finding).collect()
}

/// Counts the scores of one judge. Their mean is points divided by evaluations, both of which are integers.
fn scores(model: &str, verdict: &Verdict, out: &mut Vec<StatUpdate>) {
    for (criterion, score, _) in &verdict.scores {
        let mut digit = [0; 4];
        let digit = char::from(b'0'.saturating_add(*score)).encode_utf8(&mut digit);
        let labels = [("model", model), ("criterion", criterion), ("score", digit)];
        out.push(count(&metrics::EVALUATIONS, &labels, 1));
        let labels = [("model", model), ("criterion", criterion.as_str())];
        out.push(count(&metrics::EVALUATION_POINTS, &labels, (*score).into()));
    }
    if let Some((is_found, _)) = verdict.hallucination {
        let labels = [("model", model), ("verdict", if is_found { "yes" } else { "no" })];
        out.push(count(&metrics::HALLUCINATIONS, &labels, 1));
    }
}

fn disagreement(one: &Verdict, other: &Verdict, out: &mut Vec<StatUpdate>) {
    let mut disagree =
        |criterion: &str| out.push(count(&metrics::JUDGE_DISAGREEMENT, &[("criterion", criterion)], 1));
    for ((criterion, score, _), (_, other_score, _)) in one.scores.iter().zip(&other.scores) {
        if score.abs_diff(*other_score) >= DISAGREEMENT_MIN {
            disagree(criterion);
        }
    }
    let finding = |verdict: &Verdict| verdict.hallucination.as_ref().map(|(is_found, _)| *is_found);
    if finding(one) != finding(other) {
        disagree(HALLUCINATION);
    }
}

/// Returns the price of a judge's tokens in units of 1/[`UNITS_PER_NANODOLLAR`] nanodollar; 0 without a price.
pub(super) fn units(prices: Option<&PriceTable>, judge: &Judge, (input, output): (u64, u64)) -> u128 {
    let Some(table) = prices else {
        return 0;
    };
    let tokens = Tokens::new(input, output, &Usage::default());
    table.cost(&judge.provider, [judge.model.as_str()], &tokens).units()
}

/// Returns a price in whole nanodollars, rounded down.
pub(super) fn nanodollars(units: u128) -> u64 {
    u64::try_from(units.checked_div(UNITS_PER_NANODOLLAR).unwrap_or(0)).unwrap_or(u64::MAX)
}

/// The counter of judge costs. It carries a fraction of a nanodollar over to the next callout.
#[derive(Debug, Default)]
pub(super) struct CostCounter {
    carried_units: u128,
}

impl CostCounter {
    /// Counts the tokens of one callout, and returns their price in nanodollars.
    pub(super) fn count(
        &mut self,
        prices: Option<&PriceTable>,
        judge: &Judge,
        (input, output): (u64, u64),
        out: &mut Vec<StatUpdate>,
    ) -> u64 {
        for (kind, by) in [("input", input), ("output", output)] {
            if by > 0 {
                out.push(count(&metrics::JUDGE_TOKENS, &[("type", kind)], by));
            }
        }
        let units = units(prices, judge, (input, output));
        let sum = units.saturating_add(self.carried_units);
        let whole = nanodollars(sum);
        self.carried_units = sum.saturating_sub(u128::from(whole).saturating_mul(UNITS_PER_NANODOLLAR));
        if whole > 0 {
            out.push(count(&metrics::JUDGE_COST, &[], whole));
        }
        nanodollars(units)
    }
}
