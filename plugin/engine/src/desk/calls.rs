//! What a call is made of.

use super::Call;
use crate::call::seconds;
use crate::exhibit::{Exhibit, Job};
use crate::judge::Judge;
use crate::limits::RETRY_AFTER_MS_MAX;

/// Milliseconds before a second try, and by how much more at most.
const BACK_OFF_MS: u64 = 500;

pub(super) fn bytes_of(job: &Job) -> usize {
    let Exhibit { question, context, answer } = &job.exhibit;
    [question, context, answer].into_iter().fold(0, |sum, text| sum.saturating_add(text.len()))
}

/// 32 hex digits.
pub(super) fn nonce(random: &[u8; 16]) -> String {
    let mut nonce = String::with_capacity(32);
    crate::ids::push_hex(&mut nonce, random);
    nonce
}

pub(super) fn call(number: u64, judge: &Judge, body: Vec<u8>, timeout_ms: u64) -> Call {
    let mut headers = crate::call::head(&judge.path, &judge.authority, "application/json");
    headers.extend(judge.headers.iter().cloned());
    Call { number, cluster: judge.cluster.clone(), headers, body, timeout_ms, wants_gzip: false }
}

/// How long to wait before the second try: what the judge asks for, else a time of its own for each call, lest all come
/// back at once. `None`: the judge asks for more than a sample is worth, or in a way that cannot be read: a date, for one,
/// as nobody here knows what day it is.
pub(super) fn wait_ms(retry_after: Option<&[u8]>, nonce: &str) -> Option<u64> {
    let asked_ms = match retry_after {
        None => 0,
        Some(value) => seconds(value)?.saturating_mul(1000),
    };
    let spread = u64::from_str_radix(nonce.get(..4).unwrap_or("0"), 16).unwrap_or(0) % BACK_OFF_MS;
    let wait_ms = asked_ms.max(BACK_OFF_MS);
    (wait_ms <= RETRY_AFTER_MS_MAX).then(|| wait_ms.saturating_add(spread))
}

#[cfg(test)]
mod tests;
