//! The review as data: what the text, the page and `--json` all show.

use rusqlite::{Connection, Result};
use serde::Serialize;

use super::drift::{self, Judgement, Judgements, Measure, Verdict};
use super::load;
use super::stats::{Share, percentile};
use super::tally::{Tallies, Tally};
use super::week::{Week, moment};
use super::worst::Bad;

/// Some weeks of all models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Review {
    /// The file it is about.
    pub database: String,
    /// When it was made.
    pub made_at: String,
    /// The weeks, with those in which nothing happened, the oldest first; none if the store has nothing.
    pub weeks: Vec<Week>,
    /// What got worse: the flags.
    pub drifts: Vec<Finding>,
    /// What got better.
    pub improvements: Vec<Finding>,
    /// The models, the one with most exchanges first.
    pub models: Vec<Model>,
    /// How noise was told from drift.
    pub rules: Rules,
}

/// A change that is no noise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Its week.
    pub week: Week,
    /// Its model.
    pub model: String,
    /// What changed.
    pub measure: Measure,
    /// The mean or rate of that week.
    pub value: f64,
    /// What it was compared with.
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// A model's weeks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    /// Its metric label.
    pub model: String,
    /// The weeks in which it had exchanges or scores, the oldest first.
    pub weeks: Vec<ModelWeek>,
}

/// One model's week.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelWeek {
    /// Which week.
    pub week: Week,
    /// Whether it was not over when the review was made.
    pub is_so_far: bool,
    /// Exchanges.
    pub requests: u64,
    /// Of them, how many ended in an error; the rate is among the measures.
    pub errors: u64,
    /// Of them, how many the client gave up.
    pub cancelled: u64,
    /// Half of the successes were no slower.
    pub duration_p50_ms: Option<u32>,
    /// 99 of 100 successes were no slower.
    pub duration_p99_ms: Option<u32>,
    /// Half of the streams that succeeded had their first token by then.
    pub first_token_p50_ms: Option<u32>,
    /// All input, cached input in it.
    pub input_tokens: u64,
    /// All output, reasoning in it.
    pub output_tokens: u64,
    /// Of the exchanges that have a price.
    pub cost_nanodollars: u64,
    /// Exchanges that used tokens and have no price: their cost is not in it.
    pub unpriced_requests: u64,
    /// Exchanges with scores.
    pub judged: u64,
    /// Means and rates, with their changes.
    pub measures: Vec<Measured>,
    /// How far judge and users agree, where exchanges have both.
    pub agreement: Option<Agreement>,
    /// The exchanges to look at first.
    pub worst: Vec<Bad>,
}

/// A mean or a rate of a week.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Of what.
    pub measure: Measure,
    /// Whether it is a rate, from 0 to 1; else it is a mean, from 1 to 5.
    pub is_rate: bool,
    /// Exchanges it is of.
    pub n: u64,
    /// The mean or rate.
    pub value: f64,
    /// Its 95 % interval; none where there are too few.
    pub interval: Option<(f64, f64)>,
    /// Whether it changed.
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// How far judge and users agree.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Exchanges that have scores and a thumb.
    pub n: u64,
    /// The share on which both say good, or both bad.
    pub rate: f64,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// Cohen's kappa: 0 is what chance would make, 1 is all; none where chance would make all.
    pub kappa: Option<f64>,
}

/// How noise was told from drift.
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
    /// The newest weeks of a store, up to the last in which anything happened.
    ///
    /// What is before them is read too, as far as the first of them is compared with it.
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
        // Twice the baseline, so that a change that ended a baseline is seen where the baseline is.
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

    /// Whether a week is the newest, or the one before while the newest is not over: on a Monday, the week that is to
    /// be looked at is the last one, whatever came since midnight.
    pub fn is_new(&self, week: Week) -> bool {
        let weeks = self.models.iter().flat_map(|model| &model.weeks);
        let is_so_far = weeks.into_iter().any(|week| week.is_so_far);
        self.weeks.last().is_some_and(|last| last.since(week) <= i64::from(is_so_far))
    }

    /// What was measured in any week.
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
        // The newest first: it is what can still be acted on.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.week));
        findings
    }
}

impl Model {
    /// One of its weeks.
    pub fn week(&self, week: Week) -> Option<&ModelWeek> {
        self.weeks.iter().find(|of_model| of_model.week == week)
    }
}

impl ModelWeek {
    /// One of its means or rates.
    pub fn measured(&self, measure: &Measure) -> Option<&Measured> {
        self.measures.iter().find(|measured| measured.measure == *measure)
    }

    /// What it cost, in dollars, where anything has a price.
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
        Measured {
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
