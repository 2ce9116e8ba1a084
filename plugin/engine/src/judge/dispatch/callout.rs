//! Builds the callouts to judges, and the pause before a retry.

use crate::callouts::{Backoff, Callout, request_headers, retry_after_s};
use crate::judge::Judge;
use crate::judge::capture::{JudgeInput, JudgeJob};
use crate::limits::RETRY_AFTER_MS_MAX;

/// The pause before the only retry.
const BACKOFF: Backoff = Backoff { first_ms: 500, max_ms: 500 };

/// Returns the number of bytes of a job's texts.
pub(super) fn bytes_of(job: &JudgeJob) -> usize {
    let JudgeInput { question, context, answer } = &job.input;
    [question, context, answer].into_iter().fold(0, |sum, text| sum.saturating_add(text.len()))
}

/// Returns the callout with this request body.
pub(super) fn callout(number: u64, judge: &Judge, body: Vec<u8>, timeout_ms: u64) -> Callout {
    let mut headers = request_headers(&judge.path, &judge.authority, "application/json");
    headers.extend(judge.headers.iter().cloned());
    Callout { number, cluster: judge.cluster.clone(), headers, body, timeout_ms, wants_gzip: false }
}

/// Returns the milliseconds before the retry. `None` if the judge asks for a longer pause than a sample is worth, or
/// if its header cannot be read.
pub(super) fn retry_ms(retry_after: Option<&[u8]>, random: u16) -> Option<u64> {
    let asked_ms = match retry_after {
        None => 0,
        Some(value) => retry_after_s(value)?.saturating_mul(1000),
    };
    (asked_ms <= RETRY_AFTER_MS_MAX).then(|| BACKOFF.wait_ms(0, asked_ms, random))
}

#[cfg(test)]
mod tests;
