//! Receives spans, scores and feedback over OTLP/HTTP and stores them in SQLite.
//!
//! ```text
//!  sender ─ POST /v1/traces ─┐                                            ┌─> mlflow
//!           POST /v1/logs   ─┴─> receive ─> read ─> writer ─> store ─> forward
//!                                   └────── answer <──┘                   └─> phoenix
//! ```
//!
//! - `receive`: handles requests, and bounds their cost; `connections` makes room when slow senders fill it; `hosts`
//!   refuses web pages
//! - `read`: converts OTLP messages to rows; items that cannot be a row are counted as rejected
//! - `writer`: one thread that stores all waiting batches in one transaction
//! - `retention`: has old weeks deleted
//! - [`forward`]: sends new rows to other stores, from an outbox in the database
//! - [`totals`]: counts the results
//!
//! A response of 200 means that the batch is on the disk. If it cannot be stored at this time, the response is 503 and
//! the sender keeps it; nothing is held in memory in between.

pub mod forward;
pub mod totals;

mod connections;
mod hosts;
mod read;
mod receive;
mod retention;
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
use connections::Connections;
use forward::Target;
use hosts::HostPolicy;
use receive::ReceiverState;
pub use retention::Retention;
use totals::SharedTotals;
pub use totals::{Totals, say};
use writer::Writer;

/// Maximum time for active requests and connections to end when the collector stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// The settings of a collector.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The path of the database.
    pub db: PathBuf,
    /// The address to listen on; port 0 is any free port.
    pub listen: SocketAddr,
    /// The stores to forward everything to.
    pub targets: Vec<Target>,
    /// Host names with dots under which senders may ask. Addresses and names without dots are always accepted.
    pub allow_hosts: Vec<String>,
    /// The minimum age of what is deleted; `None` to keep everything.
    pub keep: Option<Retention>,
}

impl Settings {
    /// Returns the settings of a collector that forwards nothing and keeps everything.
    #[must_use]
    pub fn new(db: PathBuf, listen: SocketAddr) -> Self {
        Self { db, listen, targets: Vec::new(), allow_hosts: Vec::new(), keep: None }
    }
}

/// A running collector.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    totals_cell: Arc<SharedTotals>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    writer: Writer,
}

impl Collector {
    /// Opens the database and the port.
    pub async fn start(settings: Settings) -> Result<Self> {
        let store = Store::open(&settings.db)?;
        Self::over(store, settings).await
    }

    /// Starts a collector over a store that is already open.
    pub async fn over(store: Store, settings: Settings) -> Result<Self> {
        let Settings { db, listen, targets, allow_hosts, keep } = settings;
        let names: Vec<_> = targets.iter().map(Target::name).collect();
        let totals_cell = Arc::new(SharedTotals::new(&names));
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}: give another address with --listen"))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let writer = Writer::start(store, receive::TURNS, Arc::clone(&totals_cell))?;
        let shared = Arc::new(ReceiverState {
            hosts: HostPolicy::new(&allow_hosts),
            connections: Arc::new(Connections::new(receive::CONNECTIONS_MAX, receive::GRACE)),
            places: Semaphore::new(receive::PLACES),
            place_patience: receive::PLACE_PATIENCE,
            turns: Semaphore::new(receive::TURNS),
            writing: writer.sender(),
            totals_cell: Arc::clone(&totals_cell),
            targets: names,
        });
        let mut tasks = JoinSet::new();
        for target in targets {
            let store = Store::open(&db)?;
            tasks.spawn(forward::run(target, store, Arc::clone(&totals_cell), stopped.clone()));
        }
        if let Some(keep) = keep {
            tasks.spawn(retention::run(keep, writer.sender(), stopped.clone()));
        }
        tasks.spawn(receive::accept(listener, shared, stopped));
        Ok(Self { address, totals_cell, stop, tasks, writer })
    }

    /// Returns the address of the collector.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the totals so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals_cell.totals()
    }

    /// Returns a receiver that changes whenever the totals do.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.totals_cell.changes()
    }

    /// Shows the totals on standard error as long as the future is polled, if that is a terminal: one line, rewritten
    /// every second.
    pub fn show(&self) -> impl Future<Output = ()> + Send + use<> {
        totals::show(Arc::clone(&self.totals_cell))
    }

    /// Accepts no more requests, answers the active ones, and returns the totals. Deliveries that still wait stay in
    /// the database.
    pub async fn stop(mut self) -> Totals {
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(FAREWELL, all).await.is_err() {
            self.tasks.abort_all();
            while self.tasks.join_next().await.is_some() {}
        }
        let totals_cell = Arc::clone(&self.totals_cell);
        self.writer.finish().await;
        totals_cell.totals()
    }
}

/// Returns when the collector has to stop.
async fn until_stopped(mut stopped: watch::Receiver<bool>) {
    // A dropped sender means that the collector is gone.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
