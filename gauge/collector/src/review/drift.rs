//! Which changes are drift, and which are noise.
//!
//! Each measure of each model is compared twice: with the week before, which sees a fall, and with all weeks since it
//! last changed (at most eight), which sees a slide that no two weeks show. A change counts if chance alone would hardly
//! make it **and** it is large enough to matter; it counts once, as what follows is compared with what it changed to.
//!
//! The correction is by week and not over the report. With Holm's method over all comparisons of one week, no more
//! than one quiet week in a thousand is flagged, so a quiet year is with a probability of one in twenty. Over the
//! whole report it would be the same promise, but a verdict would depend on how many weeks were asked for, and could
//! change when nothing but the next week came.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::{Serialize, Serializer};

use super::stats::{Difference, Scores, Share, holm, two_rates, welch};
use super::tally::{Tallies, Tally};
use super::week::Week;

/// How probable a false flag may be in a week in which nothing changed.
pub const FALSE_FLAG_PER_WEEK_MAX: f64 = 0.001;
/// What that is as a two-sided p: half of it is on the side that is no flag.
pub const P_MAX: f64 = 2.0 * FALSE_FLAG_PER_WEEK_MAX;
/// Samples smaller than this are shown, and not compared.
pub const COMPARED_MIN: u64 = 20;
/// So many weeks, at most, make up what a week is compared with.
pub const BASELINE_WEEKS_MAX: usize = 8;
/// A mean that moves by less does not matter.
pub const POINTS_MIN: f64 = 0.1;
/// A rate that moves by less does not matter.
pub const RATE_MIN: f64 = 0.02;

/// What can drift.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// The mean of a criterion's scores.
    Criterion(String),
    /// The rate at which something is made up.
    Hallucination,
    /// The rate of bad ratings.
    ThumbsDown,
    /// The rate of errors.
    Errors,
}

impl Measure {
    /// As tables head it.
    pub fn name(&self) -> &str {
        match self {
            Self::Criterion(name) => name,
            Self::Hallucination => "hallucination",
            Self::ThumbsDown => "thumbs down",
            Self::Errors => "errors",
        }
    }

    /// Whether it is a share of exchanges, of which less is better.
    pub fn is_rate(&self) -> bool {
        !matches!(self, Self::Criterion(_))
    }

    /// What of it a week has.
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

/// What a measure is measured on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample {
    /// Scores, whose mean it is.
    Mean(Scores),
    /// Exchanges, some of which it counts.
    Rate(Share),
}

impl Sample {
    /// How many exchanges.
    pub fn count(self) -> u64 {
        match self {
            Self::Mean(scores) => scores.count,
            Self::Rate(share) => share.count,
        }
    }

    /// The mean or the rate.
    pub fn value(self) -> f64 {
        match self {
            Self::Mean(scores) => scores.mean(),
            Self::Rate(share) => share.rate(),
        }
    }

    /// Its 95 % interval.
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
            (sample, _) => sample, // a measure is of one kind
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

/// What a change is taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Too few to compare, or nothing to compare with.
    #[default]
    NotCompared,
    /// What chance does, or too little to matter.
    Noise,
    /// Drift: what is flagged.
    Worse,
    /// A change for the better.
    Better,
}

/// A week compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The first week it is compared with.
    pub from: Week,
    /// The last one.
    pub to: Week,
    /// Their exchanges.
    pub n: u64,
    /// Their mean or rate.
    pub value: f64,
    /// How far this week is from them.
    #[serde(flatten)]
    pub by: Difference,
    /// After Holm's correction for all comparisons of this week.
    pub p_corrected: f64,
}

/// What became of a measure in a week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Judgement {
    /// Against the last week before that has enough.
    pub against_week_before: Option<Change>,
    /// Against all weeks since the last change, where those are more than one.
    pub against_baseline: Option<Change>,
    /// What both come to.
    pub verdict: Verdict,
}

impl Judgement {
    /// The comparison that decided, where one did: that of the smaller p.
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
        // Where a week is better than the last and still worse than all before, the bad news is what has to be told.
        let told = [Verdict::Worse, Verdict::Better].into_iter().find(|verdict| verdicts.contains(verdict));
        self.verdict = told.unwrap_or(Verdict::Noise);
    }
}

/// A measure of a model in a week.
pub type Place = (Week, String, Measure);
/// What became of each.
pub type Judgements = BTreeMap<Place, Judgement>;
type Baselines = BTreeMap<(String, Measure), VecDeque<(Week, Sample)>>;

/// Judges all weeks, the first to the last.
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

/// All measures of a week, compared.
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

/// Holm's correction over all comparisons of a week.
fn correct(places: &mut [(String, Measure, Sample, Judgement)]) {
    let mut changes: Vec<_> = places.iter_mut().flat_map(|(.., judgement)| judgement.changes()).collect();
    let ps: Vec<_> = changes.iter().map(|change| change.by.p).collect();
    for (change, p) in changes.iter_mut().zip(holm(&ps)) {
        change.p_corrected = p;
    }
}

#[cfg(test)]
mod tests;
