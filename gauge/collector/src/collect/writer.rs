//! The one thread that writes. It stores all waiting batches in one transaction, so that many senders share one wait
//! for the disk.

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use tokio::sync::{mpsc, oneshot};

use super::totals::{self, SharedTotals};
use crate::store::{Batch, BatchOutcome, Store};

/// A batch, and the sender that waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub batch: Batch,
    pub done: oneshot::Sender<Result<BatchOutcome, String>>,
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
    let mut failing = false;
    while let Some(first) = jobs.blocking_recv() {
        let (mut batches, mut waiting) = (vec![first.batch], vec![first.done]);
        while let Ok(job) = jobs.try_recv() {
            batches.push(job.batch);
            waiting.push(job.done);
        }
        match store.write_all(&batches) {
            Ok(kept) => {
                failing = false;
                count(totals_cell, &batches, &kept);
                // If the sender no longer waits, its batch is stored anyway, and its retry finds it known.
                waiting.into_iter().zip(kept).for_each(|(done, kept)| drop(done.send(Ok(kept))));
            }
            Err(error) => {
                // Reported once, because senders retry again and again.
                if !std::mem::replace(&mut failing, true) {
                    totals::say(&format!("{error}; until then senders get 503"));
                }
                let words = error.to_string();
                waiting.into_iter().for_each(|done| drop(done.send(Err(words.clone()))));
            }
        }
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
