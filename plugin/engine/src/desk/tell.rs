//! What judging leaves behind in metrics.

use crate::config::Policy;
use crate::effect::Effect;
use crate::evaluation::{Evaluation, Source};
use crate::exhibit::Job;
use crate::judge::{HALLUCINATION, Judge, Outcome, Verdict};
use crate::metrics::{self, Metric};
use crate::otlp::Signal;
use crate::price::{Tokens, UNITS_PER_NANODOLLAR};
use crate::usage::Usage;

/// Scores of two judges that are so far apart disagree.
const DISAGREEMENT_MIN: u8 = 2;

fn count(metric: &Metric, labels: &[(&'static str, &str)], by: u64) -> Effect {
    Effect::Count { stat: metrics::stat(metric, labels.iter().copied()), by }
}

/// A sampled exchange ended.
pub(crate) fn sampled(model: &str) -> Effect {
    count(&metrics::JUDGE_SAMPLED, &[("model", model)], 1)
}

/// What became of it.
pub(crate) fn outcome(model: &str, outcome: Outcome) -> Effect {
    count(&metrics::JUDGE_OUTCOMES, &[("model", model), ("outcome", outcome.name())], 1)
}

/// How long a call took.
pub(super) fn duration(model: &str, value: u64) -> Effect {
    let labels = [("model", model)];
    Effect::Observe { stat: metrics::stat(&metrics::JUDGE_DURATION, labels.into_iter()), value }
}

/// A job ended: with verdicts, or else with the first failure.
pub(super) fn end(model: &str, verdicts: &[Verdict], failure: Option<Outcome>, out: &mut Vec<Effect>) {
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

/// Each score of one verdict as an event, if events go anywhere; `call` is the judge's model and the call's nonce.
pub(super) fn evaluations(
    policy: &Policy,
    job: &Job,
    verdict: &Verdict,
    (judge, nonce): (&str, &str),
    out: &mut Vec<Effect>,
) {
    if !policy.telemetry().is_some_and(|plan| plan.takes(Signal::Events)) {
        return;
    }
    let mut push = |name: &str, value: f64, label: String, reason: &str| {
        out.push(Effect::Evaluation(Box::new(Evaluation {
            request_id: job.request_id.clone(),
            ids: job.ids,
            model: job.model.clone(),
            name: name.to_owned(),
            value,
            label,
            explanation: Some(reason.to_owned()),
            source: Source::Judge(judge.to_owned()),
            uid: [nonce, "-", name].concat(),
        })));
    };
    for (criterion, score, reason) in &verdict.scores {
        push(criterion, f64::from(*score), score.to_string(), reason);
    }
    if let Some((is_made_up, reason)) = &verdict.hallucination {
        let label = if *is_made_up { "yes" } else { "no" };
        push(HALLUCINATION, f64::from(u8::from(*is_made_up)), label.to_owned(), reason);
    }
}

/// Each judge's scores count by themselves: points by evaluations are their mean, and integers.
fn scores(model: &str, verdict: &Verdict, out: &mut Vec<Effect>) {
    for (criterion, score, _) in &verdict.scores {
        let mut digit = [0; 4];
        let digit = char::from(b'0'.saturating_add(*score)).encode_utf8(&mut digit);
        let labels = [("model", model), ("criterion", criterion), ("score", digit)];
        out.push(count(&metrics::EVALUATIONS, &labels, 1));
        let labels = [("model", model), ("criterion", criterion.as_str())];
        out.push(count(&metrics::EVALUATION_POINTS, &labels, (*score).into()));
    }
    if let Some((is_made_up, _)) = verdict.hallucination {
        let labels = [("model", model), ("verdict", if is_made_up { "yes" } else { "no" })];
        out.push(count(&metrics::HALLUCINATIONS, &labels, 1));
    }
}

fn disagreement(one: &Verdict, other: &Verdict, out: &mut Vec<Effect>) {
    let mut tell =
        |criterion: &str| out.push(count(&metrics::JUDGE_DISAGREEMENT, &[("criterion", criterion)], 1));
    for ((criterion, score, _), (_, of_other, _)) in one.scores.iter().zip(&other.scores) {
        if score.abs_diff(*of_other) >= DISAGREEMENT_MIN {
            tell(criterion);
        }
    }
    let verdict = |verdict: &Verdict| verdict.hallucination.as_ref().map(|(is_made_up, _)| *is_made_up);
    if verdict(one) != verdict(other) {
        tell(HALLUCINATION);
    }
}

/// What a judge's tokens cost, in [`crate::price::UNITS_PER_DOLLAR`] of a dollar; 0 where there is no price.
pub(super) fn units(policy: &Policy, judge: &Judge, (input, output): (u64, u64)) -> u128 {
    let Some(table) = policy.prices() else {
        return 0;
    };
    let tokens = Tokens::new(input, output, &Usage::default());
    table.cost(&judge.provider, [judge.model.as_str()], &tokens).units()
}

/// Whole nanodollars.
pub(super) fn nanodollars(units: u128) -> u64 {
    u64::try_from(units.checked_div(UNITS_PER_NANODOLLAR).unwrap_or(0)).unwrap_or(u64::MAX)
}

/// Counts what judging costs, and carries what does not make a whole nanodollar.
#[derive(Debug, Default)]
pub(super) struct Teller {
    carried_units: u128,
}

impl Teller {
    /// Counts the tokens of one call; what they cost in nanodollars.
    pub(super) fn cost(
        &mut self,
        policy: &Policy,
        judge: &Judge,
        (input, output): (u64, u64),
        out: &mut Vec<Effect>,
    ) -> u64 {
        for (kind, by) in [("input", input), ("output", output)] {
            if by > 0 {
                out.push(count(&metrics::JUDGE_TOKENS, &[("type", kind)], by));
            }
        }
        let units = units(policy, judge, (input, output));
        let sum = units.saturating_add(self.carried_units);
        let whole = nanodollars(sum);
        self.carried_units = sum.saturating_sub(u128::from(whole).saturating_mul(UNITS_PER_NANODOLLAR));
        if whole > 0 {
            out.push(count(&metrics::JUDGE_COST, &[], whole));
        }
        nanodollars(units)
    }
}
