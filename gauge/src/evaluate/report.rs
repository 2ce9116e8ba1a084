//! The results of the judge, as a table, as JSON, and as the XML that CI servers read.

mod junit;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use llm_gauge_engine::judge::{Judgement, Outcome};
use serde::Serialize;
use simulators::case::Case;
use simulators::console;

use super::thresholds::Threshold;

/// Maximum number of characters of a criterion in the header of the table.
const CRITERION_CHARS_MAX: usize = 9;

/// The characters of the longest outcome, `not_applicable`, and one more.
const OUTCOME_CHARS_MAX: usize = 15;

/// The result of one exchange.
#[derive(Debug, Serialize)]
pub(super) struct JudgedExchange {
    folder: String,
    case: String,
    /// The outcome, as in the label `outcome`.
    pub(super) outcome: &'static str,
    /// The reason for a missing score; `None` if the judge did not fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
    scores: BTreeMap<String, Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hallucination: Option<Finding>,
    #[serde(skip)]
    judge_tokens: (u64, u64),
}

#[derive(Debug, Serialize)]
struct Score {
    score: u8,
    reason: String,
}

#[derive(Debug, Serialize)]
struct Finding {
    verdict: &'static str,
    reason: String,
}

/// The results of all exchanges, and their totals.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    judge_model: String,
    #[serde(skip)]
    criteria: Vec<String>,
    exchanges: Vec<JudgedExchange>,
    /// The number of exchanges per outcome.
    outcomes: BTreeMap<&'static str, u64>,
    means: BTreeMap<String, Mean>,
    /// The share of exchanges with a hallucination; `None` if none was checked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hallucination: Option<f64>,
    bars: Vec<ThresholdResult>,
    judge_input_tokens: u64,
    judge_output_tokens: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Mean {
    mean: f64,
    scores: u64,
}

/// A threshold, and the mean that it was compared with.
#[derive(Debug, Serialize)]
struct ThresholdResult {
    criterion: String,
    bar: f64,
    mean: Option<f64>,
    met: bool,
}

impl JudgedExchange {
    pub(super) fn new(case: &Case) -> Self {
        Self {
            folder: case.folder.clone(),
            case: case.name.clone(),
            outcome: Outcome::Lost.name(),
            detail: None,
            scores: BTreeMap::new(),
            hallucination: None,
            judge_tokens: (0, 0),
        }
    }

    /// Takes the judge's answer. An outcome that was already decided stays.
    pub(super) fn settle(&mut self, judgement: Judgement) {
        self.judge_tokens = (judgement.input_tokens.unwrap_or(0), judgement.output_tokens.unwrap_or(0));
        match judgement.verdict {
            Ok(verdict) => {
                self.outcome = Outcome::Scored.name();
                let score = |(criterion, score, reason)| (criterion, Score { score, reason });
                self.scores = verdict.scores.into_iter().map(score).collect();
                let finding = |(hallucination, reason)| Finding {
                    verdict: if hallucination { "yes" } else { "no" },
                    reason,
                };
                self.hallucination = verdict.hallucination.map(finding);
            }
            Err(_) if self.outcome != Outcome::Lost.name() => {}
            Err(Outcome::InvalidVerdict) => self.outcome = Outcome::InvalidVerdict.name(),
            Err(_) => self.outcome = Outcome::JudgeError.name(),
        }
    }

    /// Whether the judge, and not the exchange, is the cause of a missing score.
    fn is_unanswered(&self) -> bool {
        [Outcome::JudgeError, Outcome::Timeout].iter().any(|outcome| outcome.name() == self.outcome)
    }
}

impl Report {
    pub(super) fn new(
        judge_model: String,
        criteria: Vec<String>,
        exchanges: Vec<JudgedExchange>,
        bars: &[Threshold],
    ) -> Self {
        let mut outcomes = BTreeMap::new();
        exchanges.iter().for_each(|it| *outcomes.entry(it.outcome).or_default() += 1);
        let mean = |criterion: &String| {
            let scores = exchanges.iter().filter_map(|it| Some(u64::from(it.scores.get(criterion)?.score)));
            let (points, scores) = scores.fold((0, 0), |(sum, count), score| (sum + score, count + 1));
            let mean = Mean { mean: points as f64 / scores as f64, scores };
            (scores > 0).then(|| (criterion.clone(), mean))
        };
        let means: BTreeMap<_, _> = criteria.iter().filter_map(mean).collect();
        let threshold = |bar: &Threshold| {
            let mean = means.get(&bar.criterion).map(|mean| mean.mean);
            let met = mean.is_some_and(|mean| mean >= bar.mean);
            ThresholdResult { criterion: bar.criterion.clone(), bar: bar.mean, mean, met }
        };
        let findings: Vec<_> = exchanges.iter().filter_map(|it| it.hallucination.as_ref()).collect();
        let hallucination = findings.iter().filter(|finding| finding.verdict == "yes").count();
        let tokens = |of: fn(&JudgedExchange) -> u64| exchanges.iter().map(of).sum();
        Self {
            outcomes,
            bars: bars.iter().map(threshold).collect(),
            hallucination: (!findings.is_empty()).then(|| hallucination as f64 / findings.len() as f64),
            judge_input_tokens: tokens(|it| it.judge_tokens.0),
            judge_output_tokens: tokens(|it| it.judge_tokens.1),
            judge_model,
            criteria,
            means,
            exchanges,
        }
    }

    /// Returns the reasons for which the gate fails, one line each; empty if it passes.
    pub(super) fn faults(&self) -> Vec<String> {
        let bar = |threshold: &ThresholdResult| match threshold.mean {
            _ if threshold.met => None,
            None => Some(format!(
                "{}: expected a mean of at least {}, got no score",
                threshold.criterion, threshold.bar
            )),
            Some(mean) => Some(format!(
                "{}: expected a mean of at least {}, got {mean:.2}",
                threshold.criterion, threshold.bar
            )),
        };
        let mut faults: Vec<_> = self.bars.iter().filter_map(bar).collect();
        let unanswered: Vec<_> = self.exchanges.iter().filter(|it| it.is_unanswered()).collect();
        if let Some(first) = unanswered.first() {
            let why = first.detail.as_deref().unwrap_or(first.outcome);
            faults.push(format!("{} of {} exchanges: {why}", unanswered.len(), self.exchanges.len()));
        }
        faults
    }

    /// Returns a line for each exchange, and one for the means.
    pub(super) fn table(&self) -> String {
        let header = ["exchange", "outcome"].into_iter().map(str::to_owned);
        let criteria = self.criteria.iter().map(|criterion| cut_end(criterion, CRITERION_CHARS_MAX));
        let mut rows = vec![header.chain(criteria).chain(["halluc.".to_owned()]).collect()];
        rows.extend(self.exchanges.iter().map(|it| self.exchange_row(it)));
        rows.push(self.mean_row());
        let mut table = console::table(&rows, 2).join("\n");
        let (model, input, output) = (&self.judge_model, self.judge_input_tokens, self.judge_output_tokens);
        let _infallible =
            writeln!(table, "\n\njudged by {model}, which read {input} tokens and wrote {output}");
        table
    }

    fn exchange_row(&self, it: &JudgedExchange) -> Vec<String> {
        let score =
            |name: &String| it.scores.get(name).map_or("-".to_owned(), |score| score.score.to_string());
        let hallucination = it.hallucination.as_ref().map_or("-", |finding| finding.verdict);
        let name = cut_start(&format!("{}/{}", it.folder, it.case), self.name_chars_max());
        let mut row = vec![name, it.outcome.to_owned()];
        row.extend(self.criteria.iter().map(score));
        row.push(hallucination.to_owned());
        row
    }

    fn mean_row(&self) -> Vec<String> {
        let mean = |name: &String| {
            self.means.get(name).map_or("-".to_owned(), |mean: &Mean| format!("{:.2}", mean.mean))
        };
        let scored = self.outcomes.get(Outcome::Scored.name()).copied().unwrap_or(0);
        let mut row = vec!["mean".to_owned(), format!("{scored} scored")];
        row.extend(self.criteria.iter().map(mean));
        row.push(self.hallucination.map_or("-".to_owned(), |share| format!("{:.0} %", share * 100.0)));
        row
    }

    /// Returns the characters of a name that the other columns leave room for.
    fn name_chars_max(&self) -> usize {
        let criteria = self.criteria.iter().map(|name| name.chars().count().min(CRITERION_CHARS_MAX) + 1);
        let others = OUTCOME_CHARS_MAX + 1 + criteria.sum::<usize>() + "halluc.".len() + 1;
        console::COLUMNS.saturating_sub(others + 1).max(12)
    }

    /// Returns the report as JUnit XML.
    pub(super) fn junit(&self) -> String {
        junit::write(self)
    }
}

/// Returns the text, or only its end if it is too long, because names differ at the end.
fn cut_start(text: &str, chars_max: usize) -> String {
    match text.chars().count().saturating_sub(chars_max) {
        0 => text.to_owned(),
        over => format!("…{}", text.chars().skip(over + 1).collect::<String>()),
    }
}

fn cut_end(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some(_) => format!("{}…", text.chars().take(chars_max - 1).collect::<String>()),
    }
}

#[cfg(test)]
mod tests;
