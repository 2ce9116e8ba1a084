//! The one thread that writes. It stores all waiting batches in one transaction, so that many senders share one wait
//! for the disk.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::{mpsc, oneshot};

use super::totals::{self, SharedTotals};
use crate::store::{Batch, BatchOutcome, ROWS_MAX, Store};

/// Minimum time between two reports of one error.
const REPEAT: Duration = Duration::from_secs(60);

/// A job of the writer.
#[derive(Debug)]
pub(super) enum Job {
    /// A batch to store, and the sender that waits for it.
    Store { batch: Batch, done: oneshot::Sender<Result<BatchOutcome, String>> },
    /// Rows to delete, at most [`ROWS_MAX`] of those before a time. The answer is whether there are more.
    Delete { before_ns: i64, done: oneshot::Sender<bool> },
}

/// The writer thread.
#[derive(Debug)]
pub(super) struct Writer {
    sender: mpsc::Sender<Job>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread. `waiting_max` batches may wait for it before a sender has to wait.
    pub(super) fn start(store: Store, waiting_max: usize, totals_cell: Arc<SharedTotals>) -> Result<Self> {
        let (sender, receiver) = mpsc::channel(waiting_max);
        let thread = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || write(store, receiver, &totals_cell))
            .context("cannot start the writer thread")?;
        Ok(Self { sender, thread })
    }

    pub(super) fn sender(&self) -> mpsc::Sender<Job> {
        self.sender.clone()
    }

    /// Waits until everything is written. Every other sender has to be dropped.
    pub(super) async fn finish(self) {
        drop(self.sender);
        let thread = self.thread;
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
}

fn write(mut store: Store, mut jobs: mpsc::Receiver<Job>, totals_cell: &SharedTotals) {
    let mut faults = FaultLog::default();
    while let Some(first) = jobs.blocking_recv() {
        let (mut batches, mut waiting, mut deletions) = (Vec::new(), Vec::new(), Vec::new());
        for job in std::iter::once(first).chain(std::iter::from_fn(|| jobs.try_recv().ok())) {
            match job {
                Job::Store { batch, done } => {
                    batches.push(batch);
                    waiting.push(done);
                }
                Job::Delete { before_ns, done } => deletions.push((before_ns, done)),
            }
        }
        if !batches.is_empty() {
            match store.write_all(&batches) {
                Ok(kept) => {
                    count(totals_cell, &batches, &kept);
                    // If the sender no longer waits, its batch is stored anyway, and its retry finds it known.
                    waiting.into_iter().zip(kept).for_each(|(done, kept)| drop(done.send(Ok(kept))));
                }
                Err(error) => {
                    let words = error.to_string();
                    faults.say(&format!("{words}; until then senders get 503"));
                    waiting.into_iter().for_each(|done| drop(done.send(Err(words.clone()))));
                }
            }
        }
        for (before_ns, done) in deletions {
            let _ = done.send(delete(&mut store, before_ns, totals_cell, &mut faults));
        }
    }
}

/// Deletes a batch of old rows. Returns whether there are more.
fn delete(store: &mut Store, before_ns: i64, totals_cell: &SharedTotals, faults: &mut FaultLog) -> bool {
    match store.is_in_place().and_then(|()| store.delete_before(before_ns, ROWS_MAX)) {
        Ok(deleted) => {
            let rows = deleted.spans + deleted.evaluations;
            if rows > 0 {
                totals_cell.count(|totals| totals.deleted += rows);
            }
            deleted.has_more
        }
        Err(error) => {
            faults.say(&format!("cannot delete old rows: {error}"));
            false
        }
    }
}

/// Reports errors of the database. Senders retry again and again, so a message is not repeated within a minute.
#[derive(Debug, Default)]
struct FaultLog {
    last: Option<(String, Instant)>,
}

impl FaultLog {
    fn say(&mut self, words: &str) {
        if self.is_due(words, Instant::now()) {
            totals::say(words);
        }
    }

    fn is_due(&mut self, words: &str, now: Instant) -> bool {
        let is_repeated =
            |(last, time): &(String, Instant)| last == words && now.duration_since(*time) < REPEAT;
        if self.last.as_ref().is_some_and(is_repeated) {
            return false;
        }
        self.last = Some((words.to_owned(), now));
        true
    }
}

fn count(totals_cell: &SharedTotals, batches: &[Batch], kept: &[BatchOutcome]) {
    for (batch, kept) in batches.iter().zip(kept) {
        totals_cell.count(|totals| totals.add(kept));
        let evaluations = u64::try_from(kept.evaluations.new.len()).unwrap_or_default();
        let deliveries = evaluations + u64::from(!kept.spans.new.is_empty());
        for target in batch.targets.iter().filter(|_| deliveries > 0) {
            totals_cell.count_of(target, |passed| passed.waiting += deliveries);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_reported_once_a_minute() {
        let mut faults = FaultLog::default();
        let start = Instant::now();
        let mut due = |words, seconds| faults.is_due(words, start + Duration::from_secs(seconds));
        assert!(due("a", 0));
        assert!(!due("a", 59));
        assert!(due("a", 60));
        assert!(!due("a", 119));
        assert!(due("b", 119));
    }
}
