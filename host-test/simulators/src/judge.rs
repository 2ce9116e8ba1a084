//! A stand-in for a judge: it receives the filter's requests and answers like an LLM, by word overlap.
//!
//! It has no model and judges nothing: it checks whether the words of an answer occur in its context and in its
//! question. Its scores are deterministic, which is what demos and tests need.

mod serve;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};

pub use serve::{JudgeBehaviour, JudgeServer};

/// The contents of a request to a judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeRequest {
    /// The nonce of its marks, which the verdict has to repeat.
    pub nonce: String,
    /// The question.
    pub question: String,
    /// The context that the answer has to be based on; empty if there is none.
    pub context: String,
    /// The answer to be judged.
    pub answer: String,
    /// The keys that the verdict must have, the nonce left out.
    pub criteria: Vec<String>,
}

impl JudgeRequest {
    /// Reads a chat completion request as the filter writes it.
    pub fn read(body: &[u8]) -> Result<Self> {
        let body: Value = serde_json::from_slice(body).context("the request is no JSON")?;
        ensure!(body["temperature"] == 0, "temperature is {}", body["temperature"]);
        let data = body["messages"][1]["content"].as_str().context("no user's message")?;
        let nonce = data.strip_prefix("<question-").and_then(|rest| rest.get(..32)).context("no nonce")?;
        let between = |mark: &str| -> Option<String> {
            let (open, close) = (format!("<{mark}-{nonce}>\n"), format!("\n</{mark}-{nonce}>\n"));
            Some(data.split_once(&open)?.1.split_once(&close)?.0.to_owned())
        };
        let schema = &body["response_format"]["json_schema"]["schema"];
        let required = schema["required"].as_array().context("no schema")?;
        let criteria = required.iter().filter_map(Value::as_str).filter(|key| *key != "nonce");
        Ok(Self {
            nonce: nonce.to_owned(),
            question: between("question").context("no question")?,
            context: between("context").unwrap_or_default(),
            answer: between("answer").context("no answer")?,
            criteria: criteria.map(str::to_owned).collect(),
        })
    }

    /// Returns the verdict as JSON text.
    pub fn verdict(&self) -> String {
        let (question, context) = (words(&self.question), words(&self.context));
        let claims: Vec<_> =
            self.answer.split(['.', '!', '?', '\n']).map(words).filter(|claim| !claim.is_empty()).collect();
        let supported = |claim: &&BTreeSet<String>| share(claim, &context) >= 0.5;
        let supported = claims.iter().filter(supported).count() as f64 / claims.len().max(1) as f64;
        let all: BTreeSet<_> = claims.iter().flatten().cloned().collect();
        let known: BTreeSet<_> = question.union(&context).cloned().collect();
        self.verdict_by(|name| match name {
            "hallucination" => {
                json!({"reason": "words of claims that the context has", "verdict": if supported < 1.0 { "yes" } else { "no" }})
            }
            "faithfulness" => json!({"reason": "claims that the context has", "score": score(supported)}),
            "relevance" => {
                json!({"reason": "words about the question", "score": score(share(&all, &known) * 2.0)})
            }
            _ => json!({"reason": "words of the question", "score": score(share(&question, &all) * 2.0)}),
        })
    }

    /// Returns a verdict in which every score is this one.
    pub fn verdict_of(&self, score: u8) -> String {
        self.verdict_by(|name| {
            let (key, value) = match name {
                "hallucination" => ("verdict", json!(if score < 3 { "yes" } else { "no" })),
                _ => ("score", json!(score)),
            };
            json!({"reason": "it is always this one", key: value})
        })
    }

    fn verdict_by(&self, grade: impl Fn(&str) -> Value) -> String {
        let mut verdict = Map::from_iter([("nonce".to_owned(), json!(self.nonce))]);
        verdict.extend(self.criteria.iter().map(|name| (name.clone(), grade(name))));
        Value::Object(verdict).to_string()
    }
}

/// Answers a request to a judge.
pub fn answer(body: &[u8]) -> Result<String> {
    Ok(completion(&JudgeRequest::read(body)?.verdict()))
}

/// Returns a chat completion with this text.
pub fn completion(content: &str) -> String {
    json!({
        "id": "judge-stand-in",
        "object": "chat.completion",
        "model": "word-counter",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 400, "completion_tokens": 60, "total_tokens": 460},
    })
    .to_string()
}

/// Returns a score from 1 to 5.
fn score(share: f64) -> u8 {
    1 + (share.clamp(0.0, 1.0) * 4.0).round() as u8
}

/// Returns the share of `some` that is in `all`.
fn share(some: &BTreeSet<String>, all: &BTreeSet<String>) -> f64 {
    some.intersection(all).count() as f64 / some.len().max(1) as f64
}

/// Returns the words with meaning: numbers, and letters in rows of three or more.
fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).map(str::to_lowercase);
    words.filter(|word| word.chars().count() > 2 || word.chars().any(char::is_numeric)).collect()
}
