//! `cargo gauge collect`: keeps spans, scores and feedback until it is stopped.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use collector::collect::forward::{Header, Target, with_headers};
use collector::collect::{Collector, Settings, say};
use collector::store::Store;
use simulators::console;

/// The arguments of `cargo gauge collect`.
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

/// Collects until Ctrl-C or a supervisor ends it.
pub fn run(args: CollectArgs) -> Result<ExitCode> {
    let targets = with_headers(args.forward, args.header)?;
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
        let showing = tokio::spawn(collector.show());
        stopping.asked().await;
        showing.abort();
        let _ = showing.await;
        Ok::<_, anyhow::Error>(collector.stop().await)
    })?;
    say(&totals.to_string());
    if args.json {
        console::print_line(serde_json::to_string(&totals)?)?;
    }
    Ok(ExitCode::SUCCESS)
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
