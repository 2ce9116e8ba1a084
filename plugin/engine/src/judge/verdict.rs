//! Reads a judge's answer. It is a verdict that has exactly what the prompt asked for, or no verdict: an unreadable
//! answer is never a low score.

use super::plan::JudgePlan;
use super::prompt;
use super::rubric::HALLUCINATION;
use crate::json::JsonValue;
use crate::judge::capture::JudgeInput;
use crate::limits::{JUDGE_REPLY_BYTES_MAX, REASON_BYTES_MAX, TOKENS_MAX};

/// A judge's verdict on one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Each criterion of the prompt, with its score from 1 to 5 and the reason.
    pub scores: Vec<(String, u8, String)>,
    /// Whether the answer is hallucinated, and the reason. `None` if the prompt did not ask for it.
    pub hallucination: Option<(bool, String)>,
}

/// The contents of a judge's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JudgeReply {
    /// The numbers of tokens that the judge read and wrote, which cost money whatever the verdict. `None` if they are
    /// not reported.
    pub(crate) tokens: Option<(u64, u64)>,
    /// `None` if the answer is not a valid verdict.
    pub(crate) verdict: Option<Verdict>,
}

impl JudgeReply {
    /// Reads the body of an answer with status 200. A body over the bound counts as empty.
    pub(crate) fn read(body: &[u8], plan: &JudgePlan, input: &JudgeInput, nonce: &str) -> Self {
        let is_short = body.len() <= JUDGE_REPLY_BYTES_MAX;
        let Some(answer) = Some(body).filter(|_| is_short).and_then(JsonValue::parse) else {
            return Self::default();
        };
        let usage = answer.get("usage");
        let count = |key| {
            let count = usage.and_then(|usage| usage.get(key)).and_then(JsonValue::whole);
            count.filter(|count| *count <= TOKENS_MAX)
        };
        let tokens = count("prompt_tokens").zip(count("completion_tokens"));
        Self { tokens, verdict: content(&answer).and_then(|text| verdict(text, plan, input, nonce)) }
    }
}

/// Returns the text of the only choice, if it ended by itself.
fn content(answer: &JsonValue) -> Option<&str> {
    let [choice] = answer.get("choices")?.list()? else {
        return None;
    };
    // Some servers leave the reason out. An answer that was cut off is not valid JSON anyway.
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
    for criterion in prompt::scored_criteria(plan, input) {
        let (reason, value) = grade(verdict.get(&criterion.name)?, "score")?;
        let score = u8::try_from(value.whole()?).ok().filter(|score| (1..=5).contains(score))?;
        scores.push((criterion.name.clone(), score, reason));
    }
    let mut hallucination = None;
    if prompt::asks_hallucination(plan, input) {
        let (reason, value) = grade(verdict.get(HALLUCINATION)?, "verdict")?;
        let is_hallucinated = match value.text()? {
            "yes" => true,
            "no" => false,
            _ => return None,
        };
        hallucination = Some((is_hallucinated, reason));
    }
    let keys = scores.len().saturating_add(hallucination.is_some().into()).saturating_add(1);
    (verdict.pairs()?.len() == keys).then_some(Verdict { scores, hallucination })
}

/// Returns the reason and the value of an object that has exactly these two keys.
fn grade<'a>(grade: &'a JsonValue, key: &str) -> Option<(String, &'a JsonValue)> {
    let reason = grade.get("reason")?.text().filter(|reason| reason.len() <= REASON_BYTES_MAX)?;
    let value = grade.get(key)?;
    (grade.pairs()?.len() == 2).then(|| (reason.to_owned(), value))
}

#[cfg(test)]
mod tests;
