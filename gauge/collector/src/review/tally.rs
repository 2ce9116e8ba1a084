//! The counts, sums and samples of a week and model.

use std::collections::BTreeMap;

use super::stats::{Scores, Share, Verdicts};
use super::week::Week;
use super::worst::{Candidate, WorstExchanges};

/// The mean of the criteria from which on a judge rates an answer as good.
const GOOD_MEAN: f64 = 3.5;

/// All tallies, by week and model.
pub type Tallies = BTreeMap<(Week, String), Tally>;

/// The tally of one week of one model.
#[derive(Debug, Default)]
pub struct Tally {
    /// The number of exchanges.
    pub requests: u64,
    /// The number of exchanges that ended in an error.
    pub errors: u64,
    /// The number of exchanges that the client cancelled.
    pub cancelled: u64,
    /// The duration of each success in milliseconds.
    pub durations_ms: Vec<u32>,
    /// The time to the first token of each successful stream in milliseconds.
    pub first_tokens_ms: Vec<u32>,
    /// All input tokens, including cached ones.
    pub input_tokens: u64,
    /// All output tokens, including reasoning.
    pub output_tokens: u64,
    /// The cost of the exchanges that have a price.
    pub cost_nanodollars: u64,
    /// The number of exchanges with tokens but no price.
    pub unpriced: u64,
    /// The number of exchanges with a judge's score.
    pub judged: u64,
    /// Scores by criterion, one for each exchange.
    pub criteria: BTreeMap<String, Scores>,
    /// The share of judged exchanges with a hallucination.
    pub hallucinations: Share,
    /// The share of rated exchanges that were rated down.
    pub thumbs_down: Share,
    /// The agreement of judge and user on the same exchanges.
    pub verdicts: Verdicts,
    /// The exchanges to look at first.
    pub worst: WorstExchanges,
}

/// The values of a span.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// The status: success, error or cancelled.
    pub status: String,
    /// The duration; `None` if the span does not have it.
    pub duration_ms: Option<i64>,
    /// The time to the first token; `None` if the span does not have it.
    pub first_token_ms: Option<i64>,
    /// Input tokens; `None` if the span does not have them.
    pub input_tokens: Option<i64>,
    /// Output tokens; `None` if the span does not have them.
    pub output_tokens: Option<i64>,
    /// The cost; `None` unless all tokens have a price.
    pub cost_nanodollars: Option<i64>,
}

impl Tally {
    /// Adds an exchange.
    pub fn add(&mut self, exchange: &Exchange) {
        self.requests += 1;
        match exchange.status.as_str() {
            "error" => self.errors += 1,
            "cancelled" => self.cancelled += 1,
            // An error is often quick, and a cancelled exchange lasts as long as its user waits: neither shows the
            // speed of the model.
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

    /// Adds all scores and ratings of one exchange.
    pub fn judge(&mut self, key: (String, String), opinion: &Opinion) {
        for (name, scores) in &opinion.criteria {
            // One observation for each exchange: the scores of two judges for one answer are not two answers.
            self.criteria.entry(name.clone()).or_default().add(scores.mean());
        }
        let hallucination = opinion.hallucination();
        if let Some(is_hallucination) = hallucination {
            self.hallucinations.add(is_hallucination);
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

/// The rating of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rating {
    /// `up`, 4 or 5.
    Up,
    /// 3, which is neutral.
    Middle,
    /// `down`, 1 or 2.
    Down,
}

impl Rating {
    /// Returns the rating of a label. The number is not used, because 1 is the best of two and the worst of five.
    pub fn of(label: &str) -> Option<Self> {
        match label {
            "up" | "4" | "5" => Some(Self::Up),
            "3" => Some(Self::Middle),
            "down" | "1" | "2" => Some(Self::Down),
            _ => None,
        }
    }
}

/// All scores and ratings of one exchange.
#[derive(Debug, Default)]
pub struct Opinion {
    /// Scores by criterion; several if there are several judges.
    pub criteria: BTreeMap<String, Scores>,
    /// The share of judges who found a hallucination.
    pub hallucinations: Share,
    /// The user's last rating; `None` if there is none.
    pub rating: Option<Rating>,
}

impl Opinion {
    /// Whether at least half of the judges found a hallucination.
    fn hallucination(&self) -> Option<bool> {
        (self.hallucinations.count > 0).then(|| self.hallucinations.rate() >= 0.5)
    }

    /// Returns the mean of the criteria's means.
    fn mean(&self) -> Option<f64> {
        let sum: f64 = self.criteria.values().map(|scores| scores.mean()).sum();
        (!self.criteria.is_empty()).then(|| sum / self.criteria.len() as f64)
    }

    /// Returns the sum of its faults, so that an exchange that judge and user both rate as bad is before one that one
    /// does.
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
