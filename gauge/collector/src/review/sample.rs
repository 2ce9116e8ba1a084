//! A synthetic store: weeks of traffic from a seed, with scores and ratings, and regressions on demand.

mod words;

use fastrand::Rng;

use super::week::Week;
use crate::store::{Batch, Error, Evaluation, Id, Span, Store};
use words::{ANSWERS, COMMENTS_DOWN, COMMENTS_UP, QUESTIONS, REASONS};

const NS_PER_MS: i64 = 1_000_000;
const WEEK_MS: i64 = 7 * 24 * 3_600_000;
/// The distribution of scores without a regression: of a hundred exchanges, the numbers with 1, 2, 3, 4 and 5.
const WEIGHTS: [u32; 5] = [1, 3, 9, 30, 57];

/// The default criteria of a judge.
pub const CRITERIA: [&str; 3] = ["faithfulness", "relevance", "completeness"];

/// The plan of a synthetic store.
#[derive(Clone, Debug)]
pub struct SamplePlan {
    /// The seed. Another one gives other exchanges of the same kind.
    pub seed: u64,
    /// The first week.
    pub first: Week,
    /// The number of weeks.
    pub weeks: usize,
    /// The models.
    pub models: Vec<ModelPlan>,
}

/// The traffic of one model.
#[derive(Clone, Debug)]
pub struct ModelPlan {
    /// The name.
    pub name: &'static str,
    /// The provider.
    pub provider: &'static str,
    /// The number of exchanges per week.
    pub requests: usize,
    /// Weeks without exchanges, counted from 0.
    pub absent: Vec<usize>,
    /// Judged exchanges in percent.
    pub judged_per_cent: u32,
    /// Rated exchanges in percent.
    pub rated_per_cent: u32,
    /// Nanodollars per output token; an input token costs a quarter of it. `None` for a model without a price.
    pub price_nanodollars: Option<i64>,
    /// The usual duration in milliseconds.
    pub duration_ms: f64,
    /// Changes of criteria.
    pub shifts: Vec<Shift>,
}

/// The change of a criterion.
#[derive(Clone, Debug)]
pub struct Shift {
    /// The name of the criterion.
    pub criterion: &'static str,
    /// The weeks of the change, counted from 0.
    pub weeks: std::ops::Range<usize>,
    /// The fall in points.
    pub points: f64,
}

impl ModelPlan {
    /// Returns a model without changes.
    pub fn steady(name: &'static str, requests: usize) -> Self {
        Self {
            name,
            provider: "openai",
            requests,
            absent: Vec::new(),
            judged_per_cent: 100,
            rated_per_cent: 20,
            price_nanodollars: Some(10_000),
            duration_ms: 1_800.0,
            shifts: Vec::new(),
        }
    }
}

impl SamplePlan {
    /// Returns the plan of `--sample`: three models in eight weeks. One gets less faithful by 0.3 points in the sixth
    /// week and stays so; another appears in the third week and has no price.
    pub fn shown() -> Self {
        let shift = Shift { criterion: "faithfulness", weeks: 5..8, points: 0.3 };
        let models = vec![
            ModelPlan { judged_per_cent: 50, shifts: vec![shift], ..ModelPlan::steady("gpt-4o", 900) },
            ModelPlan {
                provider: "anthropic",
                judged_per_cent: 50,
                price_nanodollars: Some(15_000),
                duration_ms: 2_600.0,
                ..ModelPlan::steady("claude-sonnet-4-5", 700)
            },
            ModelPlan {
                provider: "openai_compatible",
                absent: vec![0, 1],
                price_nanodollars: None,
                duration_ms: 900.0,
                ..ModelPlan::steady("llama-3.3-70b", 150)
            },
        ];
        let first = Week::numbered(2026, 23).unwrap_or_else(|| Week::of(0));
        Self { seed: 1, first, weeks: 8, models }
    }

    /// Returns a plan with one model without changes.
    pub fn steady(seed: u64, weeks: usize, requests: usize) -> Self {
        Self { seed, weeks, models: vec![ModelPlan::steady("gpt-4o", requests)], ..Self::shown() }
    }

    /// Writes the exchanges of the plan into a store.
    pub fn keep(&self, store: &mut Store) -> Result<(), Error> {
        let mut rng = Rng::with_seed(self.seed);
        let weeks = 0..self.weeks;
        store.write_all(&weeks.map(|week| self.week(week, &mut rng)).collect::<Vec<_>>())?;
        Ok(())
    }

    fn week(&self, week: usize, rng: &mut Rng) -> Batch {
        let mut batch = Batch::default();
        let start_ns = self.first.plus(week as i64).start_ns();
        for model in self.models.iter().filter(|model| !model.absent.contains(&week)) {
            for _ in 0..model.requests {
                let span = model.exchange(start_ns + rng.i64(0..WEEK_MS) * NS_PER_MS, rng);
                if span.status.as_deref() == Some("success") {
                    model.judge(&span, week, rng, &mut batch.evaluations);
                }
                batch.spans.push(span);
            }
        }
        batch
    }
}

impl ModelPlan {
    fn exchange(&self, start_ns: i64, rng: &mut Rng) -> Span {
        let (status, error) = match rng.u32(0..100) {
            0 => ("error", "rate_limited"),
            1 => ("cancelled", "client_cancelled"),
            _ => ("success", "none"),
        };
        let is_success = status == "success";
        // A sum of uniform numbers is close enough to a normal one.
        let normal = (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0;
        let duration_ms = (self.duration_ms * (normal * 0.5).exp()) as i64;
        let (input, output) = (rng.i64(100..1_500), if is_success { rng.i64(40..600) } else { 0 });
        let topic = rng.usize(0..QUESTIONS.len());
        Span {
            trace_id: Id(rng.u128(..).to_be_bytes()),
            span_id: Id(rng.u64(..).to_be_bytes()),
            name: format!("chat {}", self.name),
            start_ns,
            end_ns: start_ns + duration_ms * NS_PER_MS,
            service: Some("sample".to_owned()),
            provider: Some(self.provider.to_owned()),
            operation: Some("chat".to_owned()),
            model: Some(self.name.to_owned()),
            request_model: Some(self.name.to_owned()),
            response_model: Some(self.name.to_owned()),
            status: Some(status.to_owned()),
            error: Some(error.to_owned()),
            input_tokens: Some(input),
            output_tokens: Some(output),
            source: Some("reported".to_owned()),
            cost_nanodollars: self.price_nanodollars.map(|price| price * output + price / 4 * input),
            duration_ms: Some(duration_ms),
            first_token_ms: is_success.then_some(duration_ms / 5),
            sampled: Some(is_success),
            input_text: Some(QUESTIONS[topic].to_owned()),
            output_text: is_success.then(|| ANSWERS[topic].to_owned()),
            attributes_json: "{}".to_owned(),
            ..Span::default()
        }
    }

    fn judge(&self, span: &Span, week: usize, rng: &mut Rng, evaluations: &mut Vec<Evaluation>) {
        let is_judged = rng.u32(0..100) < self.judged_per_cent;
        let is_rated = rng.u32(0..100) < self.rated_per_cent;
        // One exchange in twenty is bad in every respect, which is why judges and users agree at all.
        let is_bad = rng.u32(0..100) < 5;
        if is_judged {
            for criterion in CRITERIA {
                let score = self.score(criterion, week, is_bad, rng);
                let reason = (score <= 3).then(|| REASONS[rng.usize(0..REASONS.len())]);
                evaluations.push(by_judge(
                    span,
                    criterion,
                    f64::from(score),
                    &score.to_string(),
                    reason,
                    rng,
                ));
            }
            let is_hallucination = rng.u32(0..100) < if is_bad { 60 } else { 2 };
            let (value, label) = if is_hallucination { (1.0, "yes") } else { (0.0, "no") };
            let reason = is_hallucination.then_some("It names a detail that is in none of the documents.");
            evaluations.push(by_judge(span, "hallucination", value, label, reason, rng));
        }
        if is_rated {
            let is_down = rng.u32(0..100) < if is_bad { 80 } else { 6 };
            let (value, label) = if is_down { (0.0, "down") } else { (1.0, "up") };
            let comments = if is_down { COMMENTS_DOWN } else { COMMENTS_UP };
            let comment = rng.bool().then(|| comments[rng.usize(0..comments.len())]);
            evaluations.push(word(span, "user_feedback", value, label, comment, rng));
        }
    }

    fn score(&self, criterion: &str, week: usize, is_bad: bool, rng: &mut Rng) -> u8 {
        let mut drawn = rng.u32(0..WEIGHTS.iter().sum());
        let mut score: u8 = 1;
        for weight in WEIGHTS {
            if drawn < weight {
                break;
            }
            drawn -= weight;
            score += 1;
        }
        let down = |points: u8| score.saturating_sub(points).max(1);
        if is_bad {
            return down(2);
        }
        let mut shifts = self.shifts.iter();
        let points = shifts.find(|shift| shift.criterion == criterion && shift.weeks.contains(&week));
        // One point less for a part of the exchanges, since scores are whole numbers.
        let part = points.map_or(0.0, |shift| shift.points / LOWERED_PART);
        if rng.f64() < part { down(1) } else { score }
    }
}

/// The share of exchanges that can lose a point: those that are not bad in every respect and do not have 1 already.
const LOWERED_PART: f64 = 0.95 * 0.99;

fn by_judge(
    span: &Span,
    name: &str,
    value: f64,
    label: &str,
    reason: Option<&str>,
    rng: &mut Rng,
) -> Evaluation {
    let word = word(span, name, value, label, reason, rng);
    Evaluation { source: Some("judge".to_owned()), judge_model: Some("gpt-4o-mini".to_owned()), ..word }
}

fn word(
    span: &Span,
    name: &str,
    value: f64,
    label: &str,
    explanation: Option<&str>,
    rng: &mut Rng,
) -> Evaluation {
    Evaluation {
        uid: format!("{:032x}", rng.u128(..)),
        trace_id: span.trace_id,
        span_id: span.span_id,
        request_id: None,
        model: span.model.clone(),
        name: name.to_owned(),
        source: Some("user".to_owned()),
        judge_model: None,
        value: Some(value),
        label: Some(label.to_owned()),
        explanation: explanation.map(str::to_owned),
        time_ns: span.end_ns + 5_000 * NS_PER_MS,
    }
}
