//! One question to a judge without a desk: for hosts that make their calls themselves, in their own order and within
//! their own budget. What is asked, and what an answer is worth, is the same.

use std::rc::Rc;

use super::calls::nonce;
use crate::call;
use crate::exhibit::Exhibit;
use crate::judge::{self, JudgePlan, Outcome, Reply, Verdict};
use crate::limits::JUDGE_REPLY_BYTES_MAX;

/// See the module. It can be answered more than once: a host that was told to come back later asks again.
#[derive(Debug)]
pub struct Question {
    plan: Rc<JudgePlan>,
    exhibit: Exhibit,
    nonce: String,
    request: Request,
}

/// A call to make. The headers that the configuration adds are not among these, since they may be secrets and a host
/// that has the configuration has them already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Envoy cluster, or whatever the host calls by that name.
    pub cluster: String,
    /// `:authority`
    pub authority: String,
    /// `:path`
    pub path: String,
    /// Header fields, pseudo-headers left out.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// How long it may take.
    pub timeout_ms: u64,
}

/// What an answer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict, or what became of the exchange instead.
    pub verdict: Result<Verdict, Outcome>,
    /// Tokens that the judge read, where it told.
    pub input_tokens: Option<u64>,
    /// Tokens that it wrote.
    pub output_tokens: Option<u64>,
}

impl Question {
    /// Asks the plan's judge of this number, if there is one. `random` must be new for every question.
    pub fn ask(plan: &Rc<JudgePlan>, judge: usize, exhibit: Exhibit, random: [u8; 16]) -> Option<Self> {
        let judge = plan.judges.get(judge)?;
        let nonce = nonce(&random);
        let mut headers = call::head(&judge.path, &judge.authority, "application/json");
        headers.retain(|(name, _)| !name.starts_with(':'));
        let request = Request {
            cluster: judge.cluster.clone(),
            authority: judge.authority.clone(),
            path: judge.path.clone(),
            headers,
            body: judge::body(plan, judge, &exhibit, &nonce),
            timeout_ms: plan.timeout_ms,
        };
        Some(Self { plan: Rc::clone(plan), exhibit, nonce, request })
    }

    /// The call to make.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// What the judge's answer came to.
    pub fn answer(&self, status: u32, body: &[u8]) -> Judgement {
        if status != 200 {
            let verdict = Err(Outcome::JudgeError);
            return Judgement { verdict, input_tokens: None, output_tokens: None };
        }
        let body = if body.len() > JUDGE_REPLY_BYTES_MAX { b"" } else { body };
        let reply = Reply::read(body, &self.plan, &self.exhibit, &self.nonce);
        let (input_tokens, output_tokens) = reply.tokens.unzip();
        Judgement { verdict: reply.verdict.ok_or(Outcome::InvalidVerdict), input_tokens, output_tokens }
    }
}

#[cfg(test)]
mod tests;
