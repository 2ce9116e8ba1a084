//! Separates drift from noise.
//!
//! Each measure of each model is compared twice: with the week before, which detects a fall, and with all weeks since
//! its last change (at most eight), which detects a slow slide. A change counts if chance alone would hardly cause it
//! **and** it is large enough to matter. It counts once, because later weeks are compared with the new level.
//!
//! The correction is per week and not for the whole report. With Holm's method over all comparisons of one week, at
//! most one quiet week in a thousand is flagged, so a quiet year is flagged with a probability of one in twenty. A
//! correction over the report would make a verdict depend on the number of weeks in it, and the next week could change
//! it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::{Serialize, Serializer};

use super::stats::{Difference, Scores, Share, holm, two_rates, welch};
use super::tally::{Tallies, Tally};
use super::week::Week;

/// The maximum probability of a false flag in a week without changes.
pub const FALSE_FLAG_PER_WEEK_MAX: f64 = 0.001;
/// That probability as a two-sided p, half of which is on the side that is not flagged.
pub const P_MAX: f64 = 2.0 * FALSE_FLAG_PER_WEEK_MAX;
/// Minimum size of samples that are compared. Smaller ones are only shown.
pub const COMPARED_MIN: u64 = 20;
/// Maximum number of weeks in a baseline.
pub const BASELINE_WEEKS_MAX: usize = 8;
/// Minimum change of a mean that matters.
pub const POINTS_MIN: f64 = 0.1;
/// Minimum change of a rate that matters.
pub const RATE_MIN: f64 = 0.02;

/// A measure that can drift.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// The mean of a criterion's scores.
    Criterion(String),
    /// The rate of hallucinations.
    Hallucination,
    /// The rate of bad ratings.
    ThumbsDown,
    /// The rate of errors.
    Errors,
}

impl Measure {
    /// Returns the name in tables.
    pub fn name(&self) -> &str {
        match self {
            Self::Criterion(name) => name,
            Self::Hallucination => "hallucination",
            Self::ThumbsDown => "thumbs down",
            Self::Errors => "errors",
        }
    }

    /// Whether it is a rate, for which less is better; else it is a mean.
    pub fn is_rate(&self) -> bool {
        !matches!(self, Self::Criterion(_))
    }

    /// Returns the samples of all measures in a week.
    pub fn samples(tally: &Tally) -> Vec<(Self, Sample)> {
        let criteria = tally.criteria.iter();
        let criteria = criteria.map(|(name, scores)| (Self::Criterion(name.clone()), Sample::Mean(*scores)));
        let rates = [
            (Self::Hallucination, tally.hallucinations),
            (Self::ThumbsDown, tally.thumbs_down),
            (Self::Errors, Share { hits: tally.errors, count: tally.requests }),
        ];
        criteria.chain(rates.map(|(measure, share)| (measure, Sample::Rate(share)))).collect()
    }

    fn verdict(&self, difference: f64) -> Verdict {
        let (least, is_worse) = match self.is_rate() {
            true => (RATE_MIN, difference > 0.0),
            false => (POINTS_MIN, difference < 0.0),
        };
        match (difference.abs() >= least, is_worse) {
            (false, _) => Verdict::Noise,
            (true, true) => Verdict::Worse,
            (true, false) => Verdict::Better,
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The sample behind a measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample {
    /// Scores, for a mean.
    Mean(Scores),
    /// The share of exchanges, for a rate.
    Rate(Share),
}

impl Sample {
    /// Returns the number of exchanges.
    pub fn count(self) -> u64 {
        match self {
            Self::Mean(scores) => scores.count,
            Self::Rate(share) => share.count,
        }
    }

    /// Returns the mean or the rate.
    pub fn value(self) -> f64 {
        match self {
            Self::Mean(scores) => scores.mean(),
            Self::Rate(share) => share.rate(),
        }
    }

    /// Returns the 95 % interval; `None` if the sample is too small.
    pub fn interval(self) -> Option<(f64, f64)> {
        match self {
            Self::Mean(scores) => scores.interval(),
            Self::Rate(share) => share.interval(),
        }
    }

    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Mean(mut scores), Self::Mean(others)) => {
                scores.merge(others);
                Self::Mean(scores)
            }
            (Self::Rate(mut share), Self::Rate(others)) => {
                share.merge(others);
                Self::Rate(share)
            }
            (sample, _) => sample, // cannot happen: a measure has samples of one kind
        }
    }

    fn since(self, earlier: Self) -> Option<Difference> {
        match (earlier, self) {
            (Self::Mean(earlier), Self::Mean(later)) => Some(welch(earlier, later)),
            (Self::Rate(earlier), Self::Rate(later)) => Some(two_rates(earlier, later)),
            _ => None,
        }
    }
}

/// The verdict on a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The sample is too small, or there is nothing to compare it with.
    #[default]
    NotCompared,
    /// The change can be chance, or is too small to matter.
    Noise,
    /// Drift, which is flagged.
    Worse,
    /// A change for the better.
    Better,
}

/// A week compared with earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The first of the earlier weeks.
    pub from: Week,
    /// The last of the earlier weeks.
    pub to: Week,
    /// The number of exchanges in the earlier weeks.
    pub n: u64,
    /// The mean or the rate of the earlier weeks.
    pub value: f64,
    /// The difference of this week from the earlier ones.
    #[serde(flatten)]
    pub by: Difference,
    /// The p value after Holm's correction for all comparisons of this week.
    pub p_corrected: f64,
}

/// The judgement on a measure in a week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Judgement {
    /// The comparison with the last earlier week with enough exchanges; `None` if there is none.
    pub against_week_before: Option<Change>,
    /// The comparison with all weeks since the last change; `None` if that is at most one week.
    pub against_baseline: Option<Change>,
    /// The verdict of both comparisons.
    pub verdict: Verdict,
}

impl Judgement {
    /// Returns the comparison with the smaller p, which decided; `None` if neither did.
    pub fn decisive(&self) -> Option<&Change> {
        let both = [&self.against_week_before, &self.against_baseline];
        both.into_iter().flatten().min_by(|a, b| a.p_corrected.total_cmp(&b.p_corrected))
    }

    fn changes(&mut self) -> impl Iterator<Item = &mut Change> {
        [&mut self.against_week_before, &mut self.against_baseline].into_iter().flatten()
    }

    fn judge(&mut self, measure: &Measure) {
        if self.against_week_before.is_none() {
            return;
        }
        let changes = [self.against_week_before, self.against_baseline].into_iter().flatten();
        let real = changes.filter(|change| change.p_corrected <= P_MAX);
        let verdicts: Vec<_> = real.map(|change| measure.verdict(change.by.difference)).collect();
        // If a week is better than the last and still worse than the baseline, the bad news has to be reported.
        let describe_finding =
            [Verdict::Worse, Verdict::Better].into_iter().find(|verdict| verdicts.contains(verdict));
        self.verdict = describe_finding.unwrap_or(Verdict::Noise);
    }
}

/// A measure of a model in a week.
pub type JudgementKey = (Week, String, Measure);
/// The judgement on each measure.
pub type Judgements = BTreeMap<JudgementKey, Judgement>;
type Baselines = BTreeMap<(String, Measure), VecDeque<(Week, Sample)>>;

/// Judges all weeks, from the first to the last.
pub fn judge(tallies: &Tallies) -> Judgements {
    let mut baselines = Baselines::new();
    let mut judgements = Judgements::new();
    let mut weeks: Vec<_> = tallies.keys().map(|(week, _)| *week).collect();
    weeks.dedup();
    for week in weeks {
        let mut places = samples(tallies, week, &baselines);
        correct(&mut places);
        for (model, measure, sample, mut judgement) in places {
            judgement.judge(&measure);
            let baseline = baselines.entry((model.clone(), measure.clone())).or_default();
            if matches!(judgement.verdict, Verdict::Worse | Verdict::Better) {
                baseline.clear();
            }
            if sample.count() >= COMPARED_MIN {
                baseline.push_back((week, sample));
            }
            if baseline.len() > BASELINE_WEEKS_MAX {
                baseline.pop_front();
            }
            judgements.insert((week, model, measure), judgement);
        }
    }
    judgements
}

/// Returns all measures of a week, compared.
fn samples(
    tallies: &Tallies,
    week: Week,
    baselines: &Baselines,
) -> Vec<(String, Measure, Sample, Judgement)> {
    let of_week = tallies.range((week, String::new())..).take_while(|((at, _), _)| *at == week);
    let samples = of_week.flat_map(|((_, model), tally)| {
        Measure::samples(tally).into_iter().map(move |(measure, sample)| (model.clone(), measure, sample))
    });
    let compared = samples.map(|(model, measure, sample)| {
        let key = (model, measure);
        let judgement = baselines.get(&key).map_or_else(Judgement::default, |weeks| compare(weeks, sample));
        (key.0, key.1, sample, judgement)
    });
    compared.collect()
}

fn compare(baseline: &VecDeque<(Week, Sample)>, sample: Sample) -> Judgement {
    let (Some((from, _)), Some((to, last))) = (baseline.front(), baseline.back()) else {
        return Judgement::default();
    };
    if sample.count() < COMPARED_MIN {
        return Judgement::default();
    }
    let change = |from: Week, with: Sample| {
        let by = sample.since(with)?;
        Some(Change { from, to: *to, n: with.count(), value: with.value(), by, p_corrected: 1.0 })
    };
    let all = baseline.iter().map(|(_, sample)| *sample).reduce(Sample::with);
    Judgement {
        against_week_before: change(*to, *last),
        against_baseline: all.filter(|_| baseline.len() > 1).and_then(|all| change(*from, all)),
        verdict: Verdict::NotCompared,
    }
}

/// Applies Holm's correction to all comparisons of a week.
fn correct(places: &mut [(String, Measure, Sample, Judgement)]) {
    let mut changes: Vec<_> = places.iter_mut().flat_map(|(.., judgement)| judgement.changes()).collect();
    let ps: Vec<_> = changes.iter().map(|change| change.by.p).collect();
    for (change, p) in changes.iter_mut().zip(holm(&ps)) {
        change.p_corrected = p;
    }
}

#[cfg(test)]
mod tests;
