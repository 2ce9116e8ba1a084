//! A judge's answer: a verdict to the letter of what was asked, or none. What cannot be read is never a low score.

use super::plan::JudgePlan;
use super::prompt;
use super::rubric::HALLUCINATION;
use crate::json::JsonValue;
use crate::judge::capture::JudgeInput;
use crate::limits::{JUDGE_REPLY_BYTES_MAX, JUDGE_TOKENS_MAX, REASON_BYTES_MAX};

/// What a judge said of one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Each criterion that was asked for, with its score from 1 to 5 and the reason.
    pub scores: Vec<(String, u8, String)>,
    /// Whether anything was made up, and the reason; `None` where that was not asked.
    pub hallucination: Option<(bool, String)>,
}

/// What a judge's answer holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Tokens that the judge read and wrote, which are paid for whatever they say.
    pub(crate) tokens: Option<(u64, u64)>,
    /// `None`: not what was asked for.
    pub(crate) verdict: Option<Verdict>,
}

impl Reply {
    /// Reads the body of an answer with status 200. One that is longer than the bound holds nothing.
    pub(crate) fn read(body: &[u8], plan: &JudgePlan, input: &JudgeInput, nonce: &str) -> Self {
        let is_short = body.len() <= JUDGE_REPLY_BYTES_MAX;
        let Some(answer) = Some(body).filter(|_| is_short).and_then(JsonValue::parse) else {
            return Self::default();
        };
        let usage = answer.get("usage");
        let count = |key| {
            let count = usage.and_then(|usage| usage.get(key)).and_then(JsonValue::whole);
            count.filter(|count| *count <= JUDGE_TOKENS_MAX)
        };
        let tokens = count("prompt_tokens").zip(count("completion_tokens"));
        Self { tokens, verdict: content(&answer).and_then(|text| verdict(text, plan, input, nonce)) }
    }
}

/// The text of the only choice, if it ended by itself.
fn content(answer: &JsonValue) -> Option<&str> {
    let [choice] = answer.get("choices")?.list()? else {
        return None;
    };
    // Some servers leave it out; an answer that was cut off is no JSON anyway.
    let is_whole = match choice.get("finish_reason") {
        None | Some(JsonValue::Null) => true,
        Some(reason) => reason.text() == Some("stop"),
    };
    choice.get("message")?.get("content")?.text().filter(|_| is_whole)
}

fn verdict(text: &str, plan: &JudgePlan, input: &JudgeInput, nonce: &str) -> Option<Verdict> {
    let verdict = JsonValue::parse(text.as_bytes())?;
    if verdict.get("nonce")?.text()? != nonce {
        return None;
    }
    let mut scores = Vec::new();
    for criterion in prompt::asked(plan, input) {
        let (reason, value) = grade(verdict.get(&criterion.name)?, "score")?;
        let score = u8::try_from(value.whole()?).ok().filter(|score| (1..=5).contains(score))?;
        scores.push((criterion.name.clone(), score, reason));
    }
    let mut hallucination = None;
    if prompt::asks_hallucination(plan, input) {
        let (reason, value) = grade(verdict.get(HALLUCINATION)?, "verdict")?;
        let is_made_up = match value.text()? {
            "yes" => true,
            "no" => false,
            _ => return None,
        };
        hallucination = Some((is_made_up, reason));
    }
    let keys = scores.len().saturating_add(hallucination.is_some().into()).saturating_add(1);
    (verdict.pairs()?.len() == keys).then_some(Verdict { scores, hallucination })
}

/// The reason and the value of an object that has these two keys and no other.
fn grade<'a>(grade: &'a JsonValue, key: &str) -> Option<(String, &'a JsonValue)> {
    let reason = grade.get("reason")?.text().filter(|reason| reason.len() <= REASON_BYTES_MAX)?;
    let value = grade.get(key)?;
    (grade.pairs()?.len() == 2).then(|| (reason.to_owned(), value))
}

#[cfg(test)]
mod tests;
