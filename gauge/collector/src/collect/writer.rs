//! The one thread that writes: it keeps all batches that wait in one transaction, so that many senders share one wait
//! for the disk.

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use tokio::sync::{mpsc, oneshot};

use super::totals::{self, Watched};
use crate::store::{Batch, Kept, Store};

/// A batch, and who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub batch: Batch,
    pub done: oneshot::Sender<Result<Kept, String>>,
}

/// The thread.
#[derive(Debug)]
pub(super) struct Writer {
    sender: mpsc::Sender<Job>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread; `waiting_max` batches may wait for it before a sender is held up.
    pub(super) fn start(store: Store, waiting_max: usize, watched: Arc<Watched>) -> Result<Self> {
        let (sender, receiver) = mpsc::channel(waiting_max);
        let thread = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || write(store, receiver, &watched))
            .context("starting the thread that writes")?;
        Ok(Self { sender, thread })
    }

    pub(super) fn sender(&self) -> mpsc::Sender<Job> {
        self.sender.clone()
    }

    /// Waits until everything is written; every other sender has to be gone.
    pub(super) async fn finish(self) {
        drop(self.sender);
        let thread = self.thread;
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
}

fn write(mut store: Store, mut jobs: mpsc::Receiver<Job>, watched: &Watched) {
    let mut failing = false;
    while let Some(first) = jobs.blocking_recv() {
        let (mut batches, mut waiting) = (vec![first.batch], vec![first.done]);
        while let Ok(job) = jobs.try_recv() {
            batches.push(job.batch);
            waiting.push(job.done);
        }
        match store.keep_all(&batches) {
            Ok(kept) => {
                failing = false;
                count(watched, &batches, &kept);
                // Who no longer waits has its batch kept all the same, and will find it known.
                waiting.into_iter().zip(kept).for_each(|(done, kept)| drop(done.send(Ok(kept))));
            }
            Err(error) => {
                // Once: senders try again and again.
                if !std::mem::replace(&mut failing, true) {
                    totals::say(&format!("{error}; until then senders are told to wait (503)"));
                }
                let words = error.to_string();
                waiting.into_iter().for_each(|done| drop(done.send(Err(words.clone()))));
            }
        }
    }
}

fn count(watched: &Watched, batches: &[Batch], kept: &[Kept]) {
    for (batch, kept) in batches.iter().zip(kept) {
        watched.count(|totals| totals.add(kept));
        let evaluations = u64::try_from(kept.evaluations.new.len()).unwrap_or_default();
        let deliveries = evaluations + u64::from(!kept.spans.new.is_empty());
        for target in batch.targets.iter().filter(|_| deliveries > 0) {
            watched.count_of(target, |passed| passed.waiting += deliveries);
        }
    }
}
