//! `cargo gauge collect`: takes spans, scores and feedback by OTLP/HTTP and keeps them in SQLite.
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
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::store::Store;
use forward::{Header, Target};
use receive::Shared;
pub use totals::Totals;
use totals::{Watched, say};
use writer::Writer;

/// How long requests under way and connections get to end when the collector is to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// What can be asked for.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo gauge collect --db gauge.db
  cargo gauge collect --db gauge.db --forward phoenix=http://127.0.0.1:6006
  cargo gauge collect --db gauge.db --forward mlflow=http://127.0.0.1:5000 \\
      --header mlflow:x-mlflow-experiment-id=3 --header mlflow:authorization=env:MLFLOW_AUTHORIZATION

Then: cargo gauge review --db gauge.db")]
pub struct CollectArgs {
    /// The SQLite file to keep everything in; it is made where there is none.
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// Where to take OTLP/HTTP, at /v1/traces and /v1/logs. There is no password: who reaches it can write.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4318")]
    listen: SocketAddr,
    /// Pass everything on to an MLflow or a Phoenix, too: mlflow=URL or phoenix=URL. May be repeated.
    #[arg(long, value_name = "KIND=URL")]
    forward: Vec<Target>,
    /// A header for those: KIND:NAME=VALUE, or KIND:NAME=env:VARIABLE, which keeps it from lists of processes.
    #[arg(long, value_name = "KIND:NAME=VALUE")]
    header: Vec<Header>,
    /// Print the totals as JSON at the end.
    #[arg(long)]
    json: bool,
}

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

    /// Over a store that is open already.
    async fn over(store: Store, settings: Settings) -> Result<Self> {
        let Settings { db, listen, targets } = settings;
        let names: Vec<_> = targets.iter().map(Target::name).collect();
        let watched = Arc::new(Watched::new(&names));
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}: --listen names another address"))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let writer = Writer::start(store, Arc::clone(&watched))?;
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

/// The command.
pub fn run(args: CollectArgs) -> Result<ExitCode> {
    let targets = forward::with_headers(args.forward, args.header)?;
    let settings = Settings { db: args.db, listen: args.listen, targets };
    let runtime = tokio::runtime::Runtime::new()?;
    let totals = runtime.block_on(async {
        let file = settings.db.display().to_string();
        let mut stopping = Stopping::new()?;
        let store = Store::open(&settings.db)?;
        let orphans =
            store.waiting_for_others(&settings.targets.iter().map(Target::name).collect::<Vec<_>>())?;
        let collector = Collector::over(store, settings).await?;
        say(&format!("listening on http://{}, keeping in {file}", collector.address()));
        if !collector.address().ip().is_loopback() {
            say("there is no password: who reaches that address can write");
        }
        for (target, count) in orphans {
            say(&format!("{count} deliveries wait for {target}, which no --forward names"));
        }
        let showing = tokio::spawn(totals::show(Arc::clone(&collector.watched)));
        stopping.asked().await;
        showing.abort();
        let _ = showing.await;
        Ok::<_, anyhow::Error>(collector.stop().await)
    })?;
    say(&totals.to_string());
    if args.json {
        println!("{}", serde_json::to_string(&totals)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// Comes back when the collector is to stop.
async fn told_to_stop(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone is a collector that is gone.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Ctrl-C, or a supervisor's word.
struct Stopping {
    #[cfg(unix)]
    terminated: tokio::signal::unix::Signal,
}

impl Stopping {
    /// Listens before anything is announced, so that whoever waits for the announcement may end it at once.
    fn new() -> Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminated: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    async fn asked(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.terminated.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
