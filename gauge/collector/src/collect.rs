//! Takes spans, scores and feedback by OTLP/HTTP and keeps them in SQLite.
//!
//! ```text
//!  sender ─ POST /v1/traces ─┐                                            ┌─> mlflow
//!           POST /v1/logs   ─┴─> receive ─> read ─> writer ─> store ─> forward
//!                                   └────── answer <──┘                   └─> phoenix
//! ```
//!
//! - `receive`: a request in, an answer out; what it may cost is bounded here
//! - `read`: OTLP's messages as rows; what cannot be a row is counted as rejected
//! - `writer`: one thread that keeps what waits, in one transaction
//! - [`forward`]: what is new goes on to other stores, from an outbox in the database
//! - [`totals`]: what came of it all
//!
//! An answer of 200 means that the batch is on the disk. Where it cannot be kept now, the answer is 503 and the sender
//! still has it; nothing is held in memory in between.

pub mod forward;
pub mod totals;

mod read;
mod receive;
mod writer;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::store::Store;
use forward::Target;
use receive::Shared;
use totals::Watched;
pub use totals::{Totals, say};
use writer::Writer;

/// How long requests under way and connections get to end when the collector is to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a collector is to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file.
    pub db: PathBuf,
    /// Where to listen; port 0 is any that is free.
    pub listen: SocketAddr,
    /// Whom to pass everything on to.
    pub targets: Vec<Target>,
}

/// A running collector.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    watched: Arc<Watched>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    writer: Writer,
}

impl Collector {
    /// Opens the database, and the port.
    pub async fn start(settings: Settings) -> Result<Self> {
        let store = Store::open(&settings.db)?;
        Self::over(store, settings).await
    }

    /// Starts over a store that is open already.
    pub async fn over(store: Store, settings: Settings) -> Result<Self> {
        let Settings { db, listen, targets } = settings;
        let names: Vec<_> = targets.iter().map(Target::name).collect();
        let watched = Arc::new(Watched::new(&names));
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}: --listen names another address"))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let writer = Writer::start(store, receive::TURNS, Arc::clone(&watched))?;
        let shared = Arc::new(Shared {
            places: Semaphore::new(receive::PLACES),
            place_patience: receive::PLACE_PATIENCE,
            turns: Semaphore::new(receive::TURNS),
            writing: writer.sender(),
            watched: Arc::clone(&watched),
            targets: names,
        });
        let mut tasks = JoinSet::new();
        for target in targets {
            let store = Store::open(&db)?;
            tasks.spawn(forward::run(target, store, Arc::clone(&watched), stopped.clone()));
        }
        tasks.spawn(receive::accept(listener, shared, stopped));
        Ok(Self { address, watched, stop, tasks, writer })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What came of it so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.watched.totals()
    }

    /// Changes whenever the totals do.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.watched.changes()
    }

    /// Shows the totals on standard error for as long as it is polled, where that is a terminal: one line, written again
    /// every second.
    pub fn show(&self) -> impl Future<Output = ()> + Send + use<> {
        totals::show(Arc::clone(&self.watched))
    }

    /// Takes no more, answers what is under way, and gives the totals. What still waits to be passed on stays in the
    /// database.
    pub async fn stop(mut self) -> Totals {
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(FAREWELL, all).await.is_err() {
            self.tasks.abort_all();
            while self.tasks.join_next().await.is_some() {}
        }
        let watched = Arc::clone(&self.watched);
        self.writer.finish().await;
        watched.totals()
    }
}

/// Comes back when the collector is to stop.
async fn told_to_stop(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone is a collector that is gone.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
