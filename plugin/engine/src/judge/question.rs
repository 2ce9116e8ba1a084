//! One question to a judge without a dispatcher, for hosts that make their calls themselves, in their own order and
//! within their own budget.
//!
//! The prompt and the rules for verdicts are those of the dispatcher.

use std::rc::Rc;

use super::{JudgePlan, JudgeReply, Outcome, Verdict, prompt};
use crate::callouts::request_headers;
use crate::judge::capture::JudgeInput;

/// A question to one judge about one exchange. It can be answered more than once, since a host may retry a judge that
/// was too busy.
#[derive(Debug)]
pub struct Question {
    plan: Rc<JudgePlan>,
    input: JudgeInput,
    nonce: String,
    request: JudgeRequest,
}

/// The request to make. It has no headers from the configuration, since they may be secrets and a host with the
/// configuration has them already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgeRequest {
    /// The Envoy cluster, or the host's equivalent.
    pub cluster: String,
    /// The pseudo-header `:authority`.
    pub authority: String,
    /// The pseudo-header `:path`.
    pub path: String,
    /// The header fields, without pseudo-headers.
    pub headers: Vec<(String, String)>,
    /// The request body.
    pub body: Vec<u8>,
    /// The timeout in milliseconds.
    pub timeout_ms: u64,
}

/// The result of reading a judge's response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict, or the outcome of the exchange if there is none.
    pub verdict: Result<Verdict, Outcome>,
    /// The number of tokens that the judge read. `None` if it does not report them.
    pub input_tokens: Option<u64>,
    /// The number of tokens that the judge wrote. `None` if it does not report them.
    pub output_tokens: Option<u64>,
}

impl Question {
    /// Returns a question to the judge at this index in the plan. `None` if the plan has no such judge. `random` must
    /// be new for every question.
    pub fn ask(plan: &Rc<JudgePlan>, judge: usize, input: JudgeInput, random: [u8; 16]) -> Option<Self> {
        let judge = plan.judges.get(judge)?;
        let nonce = prompt::nonce(&random);
        let mut headers = request_headers(&judge.path, &judge.authority, "application/json");
        headers.retain(|(name, _)| !name.starts_with(':'));
        let request = JudgeRequest {
            cluster: judge.cluster.clone(),
            authority: judge.authority.clone(),
            path: judge.path.clone(),
            headers,
            body: prompt::body(plan, judge, &input, &nonce),
            timeout_ms: plan.timeout_ms,
        };
        Some(Self { plan: Rc::clone(plan), input, nonce, request })
    }

    /// Returns the request to make.
    pub fn request(&self) -> &JudgeRequest {
        &self.request
    }

    /// Reads the judge's response.
    pub fn answer(&self, status: u32, body: &[u8]) -> Judgement {
        if status != 200 {
            let verdict = Err(Outcome::JudgeError);
            return Judgement { verdict, input_tokens: None, output_tokens: None };
        }
        let reply = JudgeReply::read(body, &self.plan, &self.input, &self.nonce);
        let (input_tokens, output_tokens) = reply.tokens.unzip();
        Judgement { verdict: reply.verdict.ok_or(Outcome::InvalidVerdict), input_tokens, output_tokens }
    }
}

#[cfg(test)]
mod tests;
