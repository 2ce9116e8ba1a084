//! The review as data, which the text, the page and `--json` show.

use rusqlite::{Connection, Result};
use serde::Serialize;

use super::drift::{self, Judgement, Judgements, Measure, Verdict};
use super::load;
use super::stats::{Share, percentile};
use super::tally::{Tallies, Tally};
use super::week::{Week, moment};
use super::worst::WorstExchange;

/// The review of some weeks of all models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Review {
    /// The database that it is about.
    pub database: String,
    /// The time at which it was made.
    pub made_at: String,
    /// The weeks, including those without exchanges, the oldest first; empty if the store is empty.
    pub weeks: Vec<Week>,
    /// Changes for the worse: the flags.
    pub drifts: Vec<Finding>,
    /// Changes for the better.
    pub improvements: Vec<Finding>,
    /// The models, that with the most exchanges first.
    pub models: Vec<Model>,
    /// The rules that tell noise from drift.
    pub rules: Rules,
}

/// A change that is not noise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The week of the change.
    pub week: Week,
    /// The model.
    pub model: String,
    /// The measure that changed.
    pub measure: Measure,
    /// The mean or the rate of that week.
    pub value: f64,
    /// The comparisons that it is based on.
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// The weeks of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    /// The metric label of the model.
    pub model: String,
    /// The weeks in which it had exchanges or scores, the oldest first.
    pub weeks: Vec<ModelWeek>,
}

/// One week of one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelWeek {
    /// The week.
    pub week: Week,
    /// Whether the week was incomplete when the review was made.
    pub is_so_far: bool,
    /// The number of exchanges.
    pub requests: u64,
    /// The number of exchanges that ended in an error. The rate is among the measures.
    pub errors: u64,
    /// The number of exchanges that the client cancelled.
    pub cancelled: u64,
    /// The median duration of successes; `None` if there are none.
    pub duration_p50_ms: Option<u32>,
    /// The 99th percentile of the duration of successes; `None` if there are none.
    pub duration_p99_ms: Option<u32>,
    /// The median time to the first token of successful streams; `None` if there are none.
    pub first_token_p50_ms: Option<u32>,
    /// All input tokens, including cached ones.
    pub input_tokens: u64,
    /// All output tokens, including reasoning.
    pub output_tokens: u64,
    /// The cost of the exchanges that have a price.
    pub cost_nanodollars: u64,
    /// The number of exchanges with tokens but no price. Their cost is not included.
    pub unpriced_requests: u64,
    /// The number of exchanges with scores.
    pub judged: u64,
    /// Means and rates, with their changes.
    pub measures: Vec<MeasuredValue>,
    /// The agreement of judge and users; `None` if no exchange has scores of both.
    pub agreement: Option<Agreement>,
    /// The exchanges to look at first.
    pub worst: Vec<WorstExchange>,
}

/// A mean or a rate of a week.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasuredValue {
    /// The measure.
    pub measure: Measure,
    /// Whether it is a rate from 0 to 1; else it is a mean from 1 to 5.
    pub is_rate: bool,
    /// The number of exchanges.
    pub n: u64,
    /// The mean or the rate.
    pub value: f64,
    /// The 95 % interval; `None` if the sample is too small.
    pub interval: Option<(f64, f64)>,
    /// The comparisons with earlier weeks.
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// The agreement of judge and users.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// The number of exchanges with scores and a rating.
    pub n: u64,
    /// The share on which both agree.
    pub rate: f64,
    /// The 95 % interval of the share; `None` if the sample is too small.
    pub interval: Option<(f64, f64)>,
    /// Cohen's kappa: 0 is chance, 1 is full agreement. `None` if chance alone would give full agreement.
    pub kappa: Option<f64>,
}

/// The rules that tell noise from drift.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "they are the constants of drift, and are described there")]
pub struct Rules {
    pub false_flag_per_week_max: f64,
    pub p_max: f64,
    pub compared_min: u64,
    pub baseline_weeks_max: usize,
    pub points_min: f64,
    pub rate_min: f64,
}

impl Rules {
    const OURS: Self = Self {
        false_flag_per_week_max: drift::FALSE_FLAG_PER_WEEK_MAX,
        p_max: drift::P_MAX,
        compared_min: drift::COMPARED_MIN,
        baseline_weeks_max: drift::BASELINE_WEEKS_MAX,
        points_min: drift::POINTS_MIN,
        rate_min: drift::RATE_MIN,
    };
}

impl Review {
    /// Reviews the newest weeks of a store, up to the last one with any exchange.
    ///
    /// Earlier weeks are read too, as far as the first of these is compared with them.
    pub fn of(db: &Connection, database: String, weeks: u16, now_ns: i64) -> Result<Self> {
        let mut review = Self {
            database,
            made_at: moment(now_ns),
            weeks: Vec::new(),
            drifts: Vec::new(),
            improvements: Vec::new(),
            models: Vec::new(),
            rules: Rules::OURS,
        };
        let Some(last) = load::newest(db)? else { return Ok(review) };
        let wanted = last.plus(1 - i64::from(weeks));
        // Twice the baseline, so that a change that ended a baseline is detected where the baseline is.
        let mut tallies = load::load(db, wanted.plus(-2 * drift::BASELINE_WEEKS_MAX as i64), last)?;
        let judgements = drift::judge(&tallies);
        let oldest = tallies.keys().next().map_or(last, |(week, _)| *week);
        let first = wanted.max(oldest);
        review.weeks = (0..=last.since(first)).map(|weeks| first.plus(weeks)).collect();
        review.models = models(db, &mut tallies, &judgements, first, now_ns)?;
        review.drifts = review.findings(Verdict::Worse);
        review.improvements = review.findings(Verdict::Better);
        Ok(review)
    }

    /// Whether a week is the newest, or the one before while the newest is incomplete: on a Monday, the week to look at
    /// is the last complete one.
    pub fn is_new(&self, week: Week) -> bool {
        let weeks = self.models.iter().flat_map(|model| &model.weeks);
        let is_so_far = weeks.into_iter().any(|week| week.is_so_far);
        self.weeks.last().is_some_and(|last| last.since(week) <= i64::from(is_so_far))
    }

    /// Returns the measures of all weeks.
    pub fn measures(&self) -> Vec<Measure> {
        let weeks = self.models.iter().flat_map(|model| &model.weeks);
        let mut measures: Vec<_> =
            weeks.flat_map(|week| &week.measures).map(|measured| measured.measure.clone()).collect();
        measures.sort();
        measures.dedup();
        measures
    }

    fn findings(&self, verdict: Verdict) -> Vec<Finding> {
        let weeks = self.models.iter().flat_map(|model| model.weeks.iter().map(move |week| (model, week)));
        let findings = weeks.flat_map(|(model, week)| {
            let found = week.measures.iter().filter(|measured| measured.judgement.verdict == verdict);
            found.map(|measured| Finding {
                week: week.week,
                model: model.model.clone(),
                measure: measured.measure.clone(),
                value: measured.value,
                judgement: measured.judgement,
            })
        });
        let mut findings: Vec<_> = findings.collect();
        // The newest first, because only those can still be acted on.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.week));
        findings
    }
}

impl Model {
    /// Returns one of its weeks.
    pub fn week(&self, week: Week) -> Option<&ModelWeek> {
        self.weeks.iter().find(|of_model| of_model.week == week)
    }
}

impl ModelWeek {
    /// Returns one of its means or rates.
    pub fn measured(&self, measure: &Measure) -> Option<&MeasuredValue> {
        self.measures.iter().find(|measured| measured.measure == *measure)
    }

    /// Returns the cost in dollars of the exchanges with a price.
    pub fn cost_dollars(&self) -> f64 {
        self.cost_nanodollars as f64 / 1e9
    }
}

fn models(
    db: &Connection,
    tallies: &mut Tallies,
    judgements: &Judgements,
    first: Week,
    now_ns: i64,
) -> Result<Vec<Model>> {
    let names = load::models(tallies, first);
    let mut models: Vec<_> = names.into_iter().map(|model| Model { model, weeks: Vec::new() }).collect();
    for ((week, name), tally) in tallies.iter_mut().filter(|((week, _), _)| *week >= first) {
        let model = models.iter_mut().find(|model| model.model == *name);
        if let Some(model) = model {
            model.weeks.push(of_week(db, (*week, name), tally, judgements, now_ns)?);
        }
    }
    Ok(models)
}

fn of_week(
    db: &Connection,
    (week, model): (Week, &str),
    tally: &mut Tally,
    judgements: &Judgements,
    now_ns: i64,
) -> Result<ModelWeek> {
    let measured = |(measure, sample): (Measure, drift::Sample)| {
        let place = (week, model.to_owned(), measure);
        let judgement = judgements.get(&place).copied().unwrap_or_default();
        MeasuredValue {
            is_rate: place.2.is_rate(),
            measure: place.2,
            n: sample.count(),
            value: sample.value(),
            interval: sample.interval(),
            judgement,
        }
    };
    let measures = Measure::samples(tally).into_iter().filter(|(_, sample)| sample.count() > 0);
    Ok(ModelWeek {
        week,
        is_so_far: week.plus(1).start_ns() > now_ns,
        requests: tally.requests,
        errors: tally.errors,
        cancelled: tally.cancelled,
        duration_p50_ms: percentile(&mut tally.durations_ms, 0.5),
        duration_p99_ms: percentile(&mut tally.durations_ms, 0.99),
        first_token_p50_ms: percentile(&mut tally.first_tokens_ms, 0.5),
        input_tokens: tally.input_tokens,
        output_tokens: tally.output_tokens,
        cost_nanodollars: tally.cost_nanodollars,
        unpriced_requests: tally.unpriced,
        judged: tally.judged,
        measures: measures.map(measured).collect(),
        agreement: agreement(tally),
        worst: tally.worst.read(db)?,
    })
}

fn agreement(tally: &Tally) -> Option<Agreement> {
    let share: Share = tally.verdicts.agreement();
    let kappa = tally.verdicts.kappa();
    (share.count > 0).then(|| Agreement {
        n: share.count,
        rate: share.rate(),
        interval: share.interval(),
        kappa,
    })
}
