//! `cargo gauge collect`: stores spans, scores and feedback until it is stopped.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use collector::collect::forward::{Header, Target, with_headers};
use collector::collect::{Collector, Retention, Settings, say};
use collector::store::Store;
use simulators::console;

/// The arguments of `cargo gauge collect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo gauge collect --db gauge.db
  cargo gauge collect --db gauge.db --keep 90d
  cargo gauge collect --db gauge.db --listen 0.0.0.0:4318 --allow-host otel.internal.example
  cargo gauge collect --db gauge.db --forward phoenix=http://127.0.0.1:6006
  cargo gauge collect --db gauge.db --forward mlflow=http://127.0.0.1:5000 \\
      --header mlflow:x-mlflow-experiment-id=3 --header mlflow:authorization=env:MLFLOW_AUTHORIZATION

Then: cargo gauge review --db gauge.db")]
pub struct CollectArgs {
    /// The SQLite file to store everything in; it is created if it does not exist.
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// The address for OTLP/HTTP, at /v1/traces and /v1/logs. There is no authentication: any client can write.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4318")]
    listen: SocketAddr,
    /// A host name with dots under which senders ask. May be repeated. Addresses, `localhost` and names without dots are
    /// always accepted, others are refused with 421, because a web page could have them.
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Delete weeks that are older than this number of days (90d) or weeks (13w), with their scores and their waiting
    /// deliveries. A week stays until all of it is old enough. [default: keep everything]
    #[arg(long, value_name = "AGE")]
    keep: Option<Retention>,
    /// Also forward everything to MLflow or Phoenix: mlflow=URL or phoenix=URL. May be repeated.
    #[arg(long, value_name = "KIND=URL")]
    forward: Vec<Target>,
    /// A header for a forwarding target: KIND:NAME=VALUE, or KIND:NAME=env:VARIABLE, which keeps it out of process
    /// lists.
    #[arg(long, value_name = "KIND:NAME=VALUE")]
    header: Vec<Header>,
    /// Print the totals as JSON at the end.
    #[arg(long)]
    json: bool,
}

/// Collects until Ctrl-C or SIGTERM.
pub fn run(args: CollectArgs) -> Result<ExitCode> {
    let targets = with_headers(args.forward, args.header)?;
    let settings =
        Settings { db: args.db, listen: args.listen, targets, allow_hosts: args.allow_host, keep: args.keep };
    let runtime = tokio::runtime::Runtime::new()?;
    let totals = runtime.block_on(async {
        let keep = settings.keep;
        let file = settings.db.display().to_string();
        let mut signals = ShutdownSignals::new()?;
        let store = Store::open(&settings.db)?;
        let orphans =
            store.waiting_for_others(&settings.targets.iter().map(Target::name).collect::<Vec<_>>())?;
        let collector = Collector::over(store, settings).await?;
        say(&format!("listening on http://{}, keeping in {file}", collector.address()));
        if !collector.address().ip().is_loopback() {
            say("there is no authentication: any client that reaches that address can write");
        }
        if let Some(keep) = keep {
            say(&format!("deleting weeks that are older than {keep}"));
        }
        for (target, count) in orphans {
            say(&format!("{count} deliveries wait for {target}, but no --forward names it"));
        }
        let showing = tokio::spawn(collector.show());
        signals.received().await;
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

/// The signals that stop the collector: Ctrl-C, or SIGTERM from a supervisor.
struct ShutdownSignals {
    #[cfg(unix)]
    terminated: tokio::signal::unix::Signal,
}

impl ShutdownSignals {
    /// Installs the handlers. It is called before the address is printed, so that a reader of the address may stop it
    /// at once.
    fn new() -> Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminated: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    async fn received(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.terminated.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
