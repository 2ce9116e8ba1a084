//! What a week and model come to, before anything is said about it: counts, sums and samples.

use std::collections::BTreeMap;

use super::stats::{Scores, Share, Verdicts};
use super::week::Week;
use super::worst::{Candidate, Worst};

/// From this mean of the criteria on, the judge is taken to say that an answer is good.
const GOOD_MEAN: f64 = 3.5;

/// Everything that was read, by week and model.
pub type Tallies = BTreeMap<(Week, String), Tally>;

/// One model's week.
#[derive(Debug, Default)]
pub struct Tally {
    /// Exchanges.
    pub requests: u64,
    /// Of them, how many ended in an error.
    pub errors: u64,
    /// Of them, how many the client gave up.
    pub cancelled: u64,
    /// Milliseconds of each success.
    pub durations_ms: Vec<u32>,
    /// Milliseconds to the first token of each success that streamed.
    pub first_tokens_ms: Vec<u32>,
    /// All input, cached input in it.
    pub input_tokens: u64,
    /// All output, reasoning in it.
    pub output_tokens: u64,
    /// Of exchanges that have a price.
    pub cost_nanodollars: u64,
    /// Exchanges that used tokens and have no price.
    pub unpriced: u64,
    /// Exchanges with any score by a judge.
    pub judged: u64,
    /// By criterion, an exchange each.
    pub criteria: BTreeMap<String, Scores>,
    /// Judged to have made something up.
    pub hallucinations: Share,
    /// Rated down by users, of all that were rated.
    pub thumbs_down: Share,
    /// Judge and user on the same exchanges.
    pub verdicts: Verdicts,
    /// The exchanges to look at first.
    pub worst: Worst,
}

/// What a span adds.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// success, error or cancelled.
    pub status: String,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// Until the first token.
    pub first_token_ms: Option<i64>,
    /// What went in.
    pub input_tokens: Option<i64>,
    /// What came out.
    pub output_tokens: Option<i64>,
    /// Its cost, if all of it has a price.
    pub cost_nanodollars: Option<i64>,
}

impl Tally {
    /// Takes an exchange.
    pub fn add(&mut self, exchange: &Exchange) {
        self.requests += 1;
        match exchange.status.as_str() {
            "error" => self.errors += 1,
            "cancelled" => self.cancelled += 1,
            // An error is often quick, and one that was given up is as long as somebody's patience: neither says how
            // fast the model is.
            _ => {
                self.durations_ms.extend(exchange.duration_ms.and_then(|ms| u32::try_from(ms).ok()));
                self.first_tokens_ms.extend(exchange.first_token_ms.and_then(|ms| u32::try_from(ms).ok()));
            }
        }
        let input = whole(exchange.input_tokens);
        let output = whole(exchange.output_tokens);
        self.input_tokens = self.input_tokens.saturating_add(input);
        self.output_tokens = self.output_tokens.saturating_add(output);
        match exchange.cost_nanodollars {
            Some(cost) => self.cost_nanodollars = self.cost_nanodollars.saturating_add(whole(Some(cost))),
            None => self.unpriced += u64::from(input.saturating_add(output) > 0),
        }
    }

    /// Takes all that was said of one exchange.
    pub fn judge(&mut self, key: (String, String), opinion: &Opinion) {
        for (name, scores) in &opinion.criteria {
            // One observation for each exchange: two judges of one answer are not two answers.
            self.criteria.entry(name.clone()).or_default().add(scores.mean());
        }
        let hallucination = opinion.hallucination();
        if let Some(is_made_up) = hallucination {
            self.hallucinations.add(is_made_up);
        }
        self.judged += u64::from(hallucination.is_some() || !opinion.criteria.is_empty());
        if let Some(rating) = opinion.rating {
            self.thumbs_down.add(rating == Rating::Down);
        }
        if let (Some(mean), Some(rating @ (Rating::Up | Rating::Down))) = (opinion.mean(), opinion.rating) {
            self.verdicts.add(mean >= GOOD_MEAN, rating == Rating::Up);
        }
        self.worst.offer(Candidate { faults: opinion.faults(), key });
    }
}

fn whole(count: Option<i64>) -> u64 {
    count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
}

/// What a user said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rating {
    /// `up`, 4 or 5.
    Up,
    /// 3, which is neither.
    Middle,
    /// `down`, 1 or 2.
    Down,
}

impl Rating {
    /// By its label: as a number, 1 is both the best of two and the worst of five.
    pub fn of(label: &str) -> Option<Self> {
        match label {
            "up" | "4" | "5" => Some(Self::Up),
            "3" => Some(Self::Middle),
            "down" | "1" | "2" => Some(Self::Down),
            _ => None,
        }
    }
}

/// All that was said of one exchange.
#[derive(Debug, Default)]
pub struct Opinion {
    /// By criterion; several where there are several judges.
    pub criteria: BTreeMap<String, Scores>,
    /// By each judge.
    pub hallucinations: Share,
    /// The user's last word.
    pub rating: Option<Rating>,
}

impl Opinion {
    /// Whether half of the judges or more say that something is made up.
    fn hallucination(&self) -> Option<bool> {
        (self.hallucinations.count > 0).then(|| self.hallucinations.rate() >= 0.5)
    }

    /// The mean of the criteria's means.
    fn mean(&self) -> Option<f64> {
        let sum: f64 = self.criteria.values().map(|scores| scores.mean()).sum();
        (!self.criteria.is_empty()).then(|| sum / self.criteria.len() as f64)
    }

    /// What is wrong with it, added up, so that what judge and user both find bad comes before what one of them does.
    fn faults(&self) -> f64 {
        let by_score = self.mean().map_or(0.0, |mean| (5.0 - mean) / 4.0);
        let by_hallucination = if self.hallucination() == Some(true) { 1.0 } else { 0.0 };
        let by_user = match self.rating {
            Some(Rating::Down) => 1.0,
            Some(Rating::Middle) => 0.5,
            Some(Rating::Up) | None => 0.0,
        };
        by_score + by_hallucination + by_user
    }
}
