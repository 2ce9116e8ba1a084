//! Other stores: what is new goes on to them, from the outbox in the database.
//!
//! Spans go on as they came, by OTLP. Neither MLflow nor Phoenix takes log events, so a score goes by what each has for
//! it: MLflow's assessments, Phoenix's annotations of spans.
//!
//! A delivery goes at least once: it leaves the outbox when the other store has said that it has it. A score may come
//! before its span is known there, and is tried again for an hour; a store that is down is waited for, as long as the
//! outbox has room. A 500 says nothing of which it is: both products answer so to one delivery that they cannot take,
//! and to all of them while their database is away. What else got through in the same round tells them apart.

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
use super::told_to_stop;
use super::totals::{self, Watched};
use crate::store::{Due, Error, Evaluation, Kind, Store};
use client::Client;
pub use target::{Header, Product, Target, with_headers};

/// Deliveries between two writes to the outbox.
const ROUND: u32 = 32;

/// Tries of one delivery that its store does not want yet: the pauses between them add up to an hour.
const ATTEMPTS_MAX: u32 = 19;

/// The first pause; it doubles up to the longest, of one delivery or of a store that is down.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(300);
const DOWN_PAUSE_MAX: Duration = Duration::from_secs(30);

/// What another store makes of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// It has it.
    Arrived,
    /// It may take it later.
    NotYet(String),
    /// It failed, at this one or at everything.
    Failed(String),
    /// It will never take it.
    Refused(String),
    /// It takes nothing now.
    Down(String),
}

/// A request to another store.
#[derive(Clone, Debug, PartialEq)]
struct Post {
    /// Below the target's URL.
    path: String,
    content_type: &'static str,
    body: Bytes,
    /// Where it can be seen once it is there, for a store that fails at what it has already.
    seen_at: Option<String>,
}

/// Passes on until it is to stop.
pub(super) async fn run(target: Target, store: Store, watched: Arc<Watched>, stopped: watch::Receiver<bool>) {
    let mut forwarder = Forwarder::new(target, store, watched);
    tokio::select! {
        () = forwarder.work() => {}
        // What is under way may arrive or not: it is tried again by the next collector.
        () = told_to_stop(stopped) => {}
    }
}

struct Forwarder {
    name: String,
    target: Target,
    client: Client,
    store: Store,
    watched: Arc<Watched>,
    /// Failures of the whole store, one after the other.
    failures: u32,
}

impl Forwarder {
    fn new(target: Target, store: Store, watched: Arc<Watched>) -> Self {
        let client = Client::new(&target);
        Self { name: target.name(), target, client, store, watched, failures: 0 }
    }

    async fn work(&mut self) {
        let mut changes = self.watched.changes();
        if let Ok(waiting) = self.store.waiting(&self.name) {
            self.watched.count_of(&self.name, |passed| passed.waiting = waiting);
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
                // Something new is worth a try at once, unless the whole store is down.
                _ = changes.changed(), if !is_down => {}
            }
        }
    }

    /// Passes on what is due, and gives the time until there is something to do; none if there is more.
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
            // A round of them must not keep all others from being tried: they go behind what is due.
            if is_full {
                let ids: Vec<_> = failed.iter().map(|(id, ..)| *id).collect();
                tokio::task::block_in_place(|| self.store.put_behind(&ids, now_ns()))?;
            }
        }
        tokio::task::block_in_place(|| self.store.settle(&settled))?;
        let waiting = self.store.waiting(&self.name)?;
        self.watched.count_of(&self.name, |passed| passed.waiting = waiting);
        Ok(down.map(|words| {
            self.failed(&words);
            pause_after(self.failures).min(DOWN_PAUSE_MAX)
        }))
    }

    async fn deliver(&mut self, delivery: &Due) -> Result<Outcome, Error> {
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
                    None => return Ok(Outcome::Refused(format!("{uid} is gone from the database"))),
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

    /// Whether the delivery is done with.
    fn is_settled(&mut self, id: i64, attempts: u32, outcome: Outcome) -> Result<bool, Error> {
        match outcome {
            Outcome::Arrived => self.watched.count_of(&self.name, |passed| passed.delivered += 1),
            Outcome::NotYet(_) | Outcome::Failed(_) if attempts + 1 < ATTEMPTS_MAX => {
                let pause_ns = i64::try_from(pause_after(attempts + 1).as_nanos()).unwrap_or(i64::MAX);
                let due_ns = now_ns().saturating_add(pause_ns);
                tokio::task::block_in_place(|| self.store.postpone(&[id], due_ns))?;
                return Ok(false);
            }
            Outcome::NotYet(words) | Outcome::Failed(words) => {
                self.say(&format!("gave up a delivery after {ATTEMPTS_MAX} tries: {words}"));
                self.watched.count_of(&self.name, |passed| passed.given_up += 1);
            }
            Outcome::Refused(words) | Outcome::Down(words) => {
                self.say(&format!("refuses a delivery: {words}"));
                self.watched.count_of(&self.name, |passed| passed.refused += 1);
            }
        }
        Ok(true)
    }

    /// Told once, not at every try.
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
    /// A score, as the other store takes it.
    fn post(&self, evaluation: &Evaluation) -> Post {
        match self.product {
            Product::Mlflow => mlflow::post(evaluation),
            Product::Phoenix => phoenix::post(evaluation),
        }
    }
}

/// What is not known is left out.
fn without_nulls(mut object: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.retain(|_, value| !value.is_null());
    }
    object
}

/// What a status means. A wrong URL or password is the operator's to put right, and no reason to lose anything.
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

/// 0.5 s, 1 s, 2 s ... 5 minutes.
fn pause_after(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    PAUSE_MIN.saturating_mul(doubled).min(PAUSE_MAX)
}
