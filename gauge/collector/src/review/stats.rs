//! Statistics of samples: intervals, tests, and corrections for many tests.
//!
//! Distributions are those of `statrs`. The methods around them, with their reasons:
//! - the mean of scores from 1 to 5 has **Student's t interval**, limited to the scale. For a small week of equal
//!   scores it would say that no other score can occur, so the variance has a floor: that of one more score which is a
//!   point away. (A bootstrap has the same weakness, and gives another result each time.) Skew is not corrected: for
//!   scores that cluster at 5, the interval of five scores contains the mean in 87 % of samples, of ten in 91 %, of
//!   thirty in 94 %
//! - rates have **Wilson's interval**, which stays within 0 and 1 and is sensible at 0 of 12
//! - means are compared by **Welch's test**, as a worse week has more variance; rates by **Fisher's exact test** if the
//!   numbers are small, and by the z test if the exact one would be slow and equal
//! - many comparisons are corrected by **Holm's method**, which is valid for dependent tests, as those of criteria are

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use statrs::stats_tests::{Alternative, fishers_exact};

/// Two-sided 95 %, as a quantile of the upper side.
const UPPER: f64 = 0.975;
/// That quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;
/// If the smallest expected cell is this large, the z test and the exact one agree to the digits shown.
const EXACT_CELL_MAX: f64 = 100.0;
/// The scale of scores.
pub const SCALE: (f64, f64) = (1.0, 5.0);

/// A sample of scores: the count, the sum, and the sum of squares.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// The number of scores.
    pub count: u64,
    sum: f64,
    squares: f64,
}

impl Scores {
    /// Adds a score.
    pub fn add(&mut self, score: f64) {
        self.count += 1;
        self.sum += score;
        self.squares += score * score;
    }

    /// Adds the scores of another sample.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// Returns the mean; 0 for no scores, which callers must not show.
    pub fn mean(self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum / float(self.count) }
    }

    /// Returns the variance of the sample, with the floor of one more score that is a point away.
    fn variance(self) -> f64 {
        let count = float(self.count);
        let spread = (self.squares - self.sum * self.sum / count) / (count - 1.0);
        spread.max(1.0 / (count + 1.0))
    }

    /// Returns the 95 % interval of the mean; `None` for fewer than two scores.
    pub fn interval(self) -> Option<(f64, f64)> {
        if self.count < 2 {
            return None;
        }
        let count = float(self.count);
        let half = t_quantile(count - 1.0) * (self.variance() / count).sqrt();
        Some(((self.mean() - half).max(SCALE.0), (self.mean() + half).min(SCALE.1)))
    }
}

/// A share: a number of hits among a number of trials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The number of hits.
    pub hits: u64,
    /// The number of trials.
    pub count: u64,
}

impl Share {
    /// Adds a trial.
    pub fn add(&mut self, is_hit: bool) {
        self.hits += u64::from(is_hit);
        self.count += 1;
    }

    /// Adds the trials of another sample.
    pub fn merge(&mut self, other: Self) {
        self.hits += other.hits;
        self.count += other.count;
    }

    /// Returns the rate; 0 without trials, which callers must not show.
    pub fn rate(self) -> f64 {
        if self.count == 0 { 0.0 } else { float(self.hits) / float(self.count) }
    }

    /// Returns Wilson's 95 % interval; `None` without trials.
    pub fn interval(self) -> Option<(f64, f64)> {
        if self.count == 0 {
            return None;
        }
        let (rate, count) = (self.rate(), float(self.count));
        let middle = rate + Z * Z / (2.0 * count);
        let half = Z * (rate * (1.0 - rate) / count + Z * Z / (4.0 * count * count)).sqrt();
        let scale = 1.0 + Z * Z / count;
        // Exact ends where they are known: rounding would make the interval of 0 of n begin slightly above or below
        // zero.
        let low = if self.hits == 0 { 0.0 } else { (middle - half) / scale };
        let high = if self.hits == self.count { 1.0 } else { (middle + half) / scale };
        Some((low, high))
    }
}

/// A difference, later minus earlier, with its 95 % interval and its p value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The later value minus the earlier one.
    pub difference: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// The two-sided p value: the probability of a difference at least as large by chance alone.
    pub p: f64,
}

/// Compares two means by Welch's test. Each sample needs at least two scores.
pub fn welch(earlier: Scores, later: Scores) -> Difference {
    let part = |scores: Scores| scores.variance() / float(scores.count);
    let (a, b) = (part(earlier), part(later));
    let error = (a + b).sqrt();
    let freedom =
        (a + b).powi(2) / (a * a / (float(earlier.count) - 1.0) + b * b / (float(later.count) - 1.0));
    let difference = later.mean() - earlier.mean();
    let half = t_quantile(freedom) * error;
    let p = student(freedom).map_or(1.0, |student| 2.0 * student.sf((difference / error).abs()));
    Difference { difference, low: difference - half, high: difference + half, p: p.min(1.0) }
}

/// Compares two rates, with Newcombe's interval. Each sample needs at least one trial.
pub fn two_rates(earlier: Share, later: Share) -> Difference {
    let (before, after) = (earlier.rate(), later.rate());
    let difference = after - before;
    let ((low_before, high_before), (low_after, high_after)) =
        (earlier.interval().unwrap_or((0.0, 1.0)), later.interval().unwrap_or((0.0, 1.0)));
    let low = difference - ((after - low_after).powi(2) + (high_before - before).powi(2)).sqrt();
    let high = difference + ((high_after - after).powi(2) + (before - low_before).powi(2)).sqrt();
    Difference { difference, low, high, p: rates_p(earlier, later) }
}

fn rates_p(earlier: Share, later: Share) -> f64 {
    let all = Share { hits: earlier.hits + later.hits, count: earlier.count + later.count };
    let smaller = float(earlier.count.min(later.count));
    if smaller * all.rate().min(1.0 - all.rate()) < EXACT_CELL_MAX {
        return exact_p(earlier, later);
    }
    let variance = all.rate() * (1.0 - all.rate());
    let error = (variance / float(earlier.count) + variance / float(later.count)).sqrt();
    let z = (later.rate() - earlier.rate()).abs() / error;
    (2.0 * Normal::standard().sf(z)).min(1.0)
}

/// Returns twice the smaller side. It is never less conservative than the usual two-sided value, and a reported side
/// has its own probability.
fn exact_p(earlier: Share, later: Share) -> f64 {
    let table = [later.hits, later.count - later.hits, earlier.hits, earlier.count - earlier.hits];
    let side = |side| fishers_exact(&table, side).unwrap_or(1.0);
    (2.0 * side(Alternative::Less).min(side(Alternative::Greater))).clamp(0.0, 1.0)
}

/// Returns p values with Holm's adjustment, in the given order. If they are compared with `alpha`, the probability of
/// any false finding in this family is at most `alpha`.
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|a, b| ps[*a].total_cmp(&ps[*b]));
    let mut adjusted = vec![1.0; ps.len()];
    let mut worst: f64 = 0.0;
    for (rank, at) in order.into_iter().enumerate() {
        worst = worst.max(ps[at] * (ps.len() - rank) as f64).min(1.0);
        adjusted[at] = worst;
    }
    adjusted
}

/// The agreement of judge and users on the same exchanges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Both say good.
    pub both_good: u64,
    /// The judge alone says good.
    pub judge_good: u64,
    /// The user alone says good.
    pub user_good: u64,
    /// Both say bad.
    pub both_bad: u64,
}

impl Verdicts {
    /// Adds an exchange.
    pub fn add(&mut self, is_good_by_judge: bool, is_good_by_user: bool) {
        match (is_good_by_judge, is_good_by_user) {
            (true, true) => self.both_good += 1,
            (true, false) => self.judge_good += 1,
            (false, true) => self.user_good += 1,
            (false, false) => self.both_bad += 1,
        }
    }

    /// Returns the share on which they agree.
    pub fn agreement(self) -> Share {
        let hits = self.both_good + self.both_bad;
        Share { hits, count: hits + self.judge_good + self.user_good }
    }

    /// Returns Cohen's kappa: the agreement beyond chance. `None` if chance alone explains full agreement.
    pub fn kappa(self) -> Option<f64> {
        let count = float(self.agreement().count);
        let judge = float(self.both_good + self.judge_good) / count;
        let user = float(self.both_good + self.user_good) / count;
        let chance = judge * user + (1.0 - judge) * (1.0 - user);
        (count > 0.0 && chance < 1.0).then(|| (self.agreement().rate() - chance) / (1.0 - chance))
    }
}

/// Returns the smallest value that at least this share of all values do not exceed; sorts the values.
pub fn percentile(values: &mut [u32], share: f64) -> Option<u32> {
    values.sort_unstable();
    let rank = (share * values.len() as f64).ceil().max(1.0) as usize;
    values.get(rank - 1).copied()
}

fn t_quantile(freedom: f64) -> f64 {
    student(freedom).map_or(f64::INFINITY, |student| student.inverse_cdf(UPPER))
}

fn student(freedom: f64) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, freedom).ok()
}

/// Converts a count of exchanges, which is far below the limit of exact floats.
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
