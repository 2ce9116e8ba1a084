//! Forwards new rows to other stores, from the outbox in the database.
//!
//! Spans are forwarded unchanged over OTLP. Neither MLflow nor Phoenix accepts log events, so a score is sent in the
//! form that each has for it: MLflow's assessments, Phoenix's annotations of spans.
//!
//! Deliveries are at least once: one leaves the outbox when the other store has confirmed it. A score may arrive before
//! its span is known there, and is retried for an hour. A store that is down is retried as long as the outbox has room.
//! A status of 500 is ambiguous: both products return it for a delivery that they cannot accept, and for all of them
//! while their database is down. The other deliveries of the same round tell the two cases apart.

mod client;
mod mlflow;
mod phoenix;
mod target;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use super::read::now_ns;
use super::totals::{self, SharedTotals};
use super::until_stopped;
use crate::store::{DueDelivery, Error, Evaluation, Kind, Store};
use client::Client;
pub use target::{Header, Product, Target, with_headers};

/// Maximum number of deliveries between two writes to the outbox.
const ROUND: u32 = 32;

/// Maximum tries of one delivery that its store does not accept yet. The pauses between them add up to an hour.
const ATTEMPTS_MAX: u32 = 19;

/// The first pause. It doubles up to the maximum for one delivery, or for a store that is down.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(300);
const DOWN_PAUSE_MAX: Duration = Duration::from_secs(30);

/// The result of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// The store has accepted it.
    Arrived,
    /// The store may accept it later.
    NotYet(String),
    /// The store failed, at this delivery or at everything.
    Failed(String),
    /// The store will never accept it.
    Refused(String),
    /// The store accepts nothing at this time.
    Down(String),
}

/// A request to another store.
#[derive(Clone, Debug, PartialEq)]
struct Post {
    /// The path below the target's URL.
    path: String,
    content_type: &'static str,
    body: Bytes,
    /// The path to check for an earlier delivery; `None` if the store accepts duplicates.
    seen_at: Option<String>,
}

/// Forwards deliveries until the collector stops.
pub(super) async fn run(
    target: Target,
    store: Store,
    totals_cell: Arc<SharedTotals>,
    stopped: watch::Receiver<bool>,
) {
    let mut forwarder = Forwarder::new(target, store, totals_cell);
    tokio::select! {
        () = forwarder.work() => {}
        // An active delivery may arrive or not: the next collector sends it again.
        () = until_stopped(stopped) => {}
    }
}

struct Forwarder {
    name: String,
    target: Target,
    client: Client,
    store: Store,
    totals_cell: Arc<SharedTotals>,
    /// The number of consecutive failures of the whole store.
    failures: u32,
}

impl Forwarder {
    fn new(target: Target, store: Store, totals_cell: Arc<SharedTotals>) -> Self {
        let client = Client::new(&target);
        Self { name: target.name(), target, client, store, totals_cell, failures: 0 }
    }

    async fn work(&mut self) {
        let mut changes = self.totals_cell.changes();
        if let Ok(waiting) = self.store.waiting(&self.name) {
            self.totals_cell.count_of(&self.name, |passed| passed.waiting = waiting);
        }
        loop {
            changes.mark_unchanged();
            let pause = match self.round().await {
                Ok(Some(pause)) => pause,
                Ok(None) => continue,
                Err(error) => {
                    self.failed(&error.to_string());
                    pause_after(self.failures).min(DOWN_PAUSE_MAX)
                }
            };
            let is_down = self.failures > 0;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // A new delivery is worth a try at once, unless the whole store is down.
                _ = changes.changed(), if !is_down => {}
            }
        }
    }

    /// Sends the deliveries that are due. Returns the time until the next one is due, or `None` if more are due
    /// already.
    async fn round(&mut self) -> Result<Option<Duration>, Error> {
        let due = self.store.due(&self.name, now_ns(), ROUND)?;
        if due.is_empty() {
            let next = self.store.next_due_ns(&self.name)?.map(|next_ns| next_ns.saturating_sub(now_ns()));
            let pause = next.map_or(PAUSE_MAX, |ns| Duration::from_nanos(ns.try_into().unwrap_or_default()));
            return Ok(Some(pause.min(PAUSE_MAX)));
        }
        let is_full = due.len() == ROUND as usize;
        let (mut settled, mut failed, mut down) = (Vec::new(), Vec::new(), None);
        let mut has_arrived = false;
        for delivery in due {
            match self.deliver(&delivery).await? {
                Outcome::Down(words) => {
                    down = Some(words);
                    break;
                }
                Outcome::Failed(words) => failed.push((delivery.id, delivery.attempts, words)),
                outcome => {
                    has_arrived |= outcome == Outcome::Arrived;
                    if self.is_settled(delivery.id, delivery.attempts, outcome)? {
                        settled.push(delivery.id);
                    }
                }
            }
        }
        if has_arrived || (failed.is_empty() && down.is_none()) {
            self.reached();
        }
        if has_arrived {
            for (id, attempts, words) in failed {
                if self.is_settled(id, attempts, Outcome::Failed(words))? {
                    settled.push(id);
                }
            }
        } else if let Some((.., words)) = failed.last() {
            down.get_or_insert_with(|| words.clone());
            // A round of failures must not keep other deliveries from being tried: it is queued behind those that are
            // due.
            if is_full {
                let ids: Vec<_> = failed.iter().map(|(id, ..)| *id).collect();
                tokio::task::block_in_place(|| self.store.put_behind(&ids, now_ns()))?;
            }
        }
        tokio::task::block_in_place(|| self.store.settle(&settled))?;
        let waiting = self.store.waiting(&self.name)?;
        self.totals_cell.count_of(&self.name, |passed| passed.waiting = waiting);
        Ok(down.map(|words| {
            self.failed(&words);
            pause_after(self.failures).min(DOWN_PAUSE_MAX)
        }))
    }

    async fn deliver(&mut self, delivery: &DueDelivery) -> Result<Outcome, Error> {
        let post = match delivery.kind {
            Kind::Spans => Post {
                path: "/v1/traces".into(),
                content_type: "application/x-protobuf",
                body: delivery.payload.clone().into(),
                seen_at: None,
            },
            Kind::Evaluation => {
                let uid = String::from_utf8_lossy(&delivery.payload);
                match self.store.evaluation(&uid)? {
                    Some(evaluation) => self.target.post(&evaluation),
                    None => return Ok(Outcome::Refused(format!("{uid} is missing from the database"))),
                }
            }
        };
        Ok(self.send(delivery.kind, post).await.unwrap_or_else(|error| Outcome::Down(format!("{error:#}"))))
    }

    async fn send(&mut self, kind: Kind, post: Post) -> anyhow::Result<Outcome> {
        let answer = self.client.post(&post).await?;
        if let (500, Some(path)) = (answer.status, &post.seen_at)
            && self.client.get(path).await?.status == 200
        {
            return Ok(Outcome::Arrived);
        }
        Ok(outcome(kind, answer.status, &answer.words))
    }

    /// Whether the delivery is finished.
    fn is_settled(&mut self, id: i64, attempts: u32, outcome: Outcome) -> Result<bool, Error> {
        match outcome {
            Outcome::Arrived => self.totals_cell.count_of(&self.name, |passed| passed.delivered += 1),
            Outcome::NotYet(_) | Outcome::Failed(_) if attempts + 1 < ATTEMPTS_MAX => {
                let pause_ns = i64::try_from(pause_after(attempts + 1).as_nanos()).unwrap_or(i64::MAX);
                let due_ns = now_ns().saturating_add(pause_ns);
                tokio::task::block_in_place(|| self.store.postpone(&[id], due_ns))?;
                return Ok(false);
            }
            Outcome::NotYet(words) | Outcome::Failed(words) => {
                self.say(&format!("gave up a delivery after {ATTEMPTS_MAX} tries: {words}"));
                self.totals_cell.count_of(&self.name, |passed| passed.given_up += 1);
            }
            Outcome::Refused(words) | Outcome::Down(words) => {
                self.say(&format!("refuses a delivery: {words}"));
                self.totals_cell.count_of(&self.name, |passed| passed.refused += 1);
            }
        }
        Ok(true)
    }

    /// Reports a failure of the store once, and not at every try.
    fn failed(&mut self, words: &str) {
        if self.failures == 0 {
            self.say(&format!("{words}; everything for it waits in the database"));
        }
        self.failures = self.failures.saturating_add(1);
    }

    fn reached(&mut self) {
        if std::mem::take(&mut self.failures) > 0 {
            self.say("takes deliveries again");
        }
    }

    fn say(&self, words: &str) {
        totals::say(&format!("{}: {words}", self.name));
    }
}

impl Target {
    /// Returns the request that delivers a score.
    fn post(&self, evaluation: &Evaluation) -> Post {
        match self.product {
            Product::Mlflow => mlflow::post(evaluation),
            Product::Phoenix => phoenix::post(evaluation),
        }
    }
}

/// Removes the fields without a value.
fn without_nulls(mut object: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.retain(|_, value| !value.is_null());
    }
    object
}

/// Returns the meaning of a status. A wrong URL or password has to be fixed by the operator, and nothing is lost
/// meanwhile.
fn outcome(kind: Kind, status: u16, words: &str) -> Outcome {
    let words = format!("it answered {status}: {words}");
    match (status, kind) {
        (200..=299, _) => Outcome::Arrived,
        (404, Kind::Evaluation) => Outcome::NotYet(words),
        (500, _) => Outcome::Failed(words),
        (401 | 403 | 404 | 405 | 407 | 408 | 429 | 501.., _) => Outcome::Down(words),
        _ => Outcome::Refused(words),
    }
}

/// Returns the pause after a number of failures: 0.5 s, 1 s, 2 s ... 5 minutes.
fn pause_after(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    PAUSE_MIN.saturating_mul(doubled).min(PAUSE_MAX)
}
