//! `cargo gauge demo`: runs the filter in a real Envoy between simulated providers and clients, with a live table, and
//! finally compares the metrics with what was sent.

mod checks;
mod drive;
mod expect;
mod judge;
mod mix;
mod numbers;
mod observe;
mod real;
mod storage;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use hyper::Uri;
use serde_json::json;
use simulators::build;
use simulators::console;
use simulators::envoy::{Bootstrap, Envoy, Stats};
use simulators::judge::JudgeServer;
use simulators::load::Protocol;
use simulators::provider::Provider;

use self::checks::Check;
use self::drive::Providers;
use self::numbers::grouped;
use self::storage::DemoCollector;
use self::table::LiveTable;

/// The flush interval of Envoy's histograms. It is shorter than the shipped 5 s, so that the table moves.
const FLUSH: Duration = Duration::from_millis(500);

/// Watch the filter count LLM traffic in a real Envoy, and check its counts.
///
/// Builds the filter, installs Envoy if there is none, and starts it with the shipped envoy/bootstrap.yaml between
/// simulated OpenAI and Anthropic servers and their clients. Sends answers, streams, errors, cut connections and
/// clients that disconnect. A share of the answers is scored by a judge: a stand-in that measures word overlap and is
/// no model, unless --judge names a real one. Users rate some answers, and spans, scores and ratings are stored in
/// target/demo/gauge.db. The table is read from Envoy's own /stats/prometheus. At the end every series is compared with
/// what was sent; the exit code is 0 only if all agree.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  cargo gauge demo                 20 seconds of traffic, then the checks
  cargo gauge demo --seconds 5     a short look
  cargo gauge demo --serve         the same, then keeps running for your own requests
  cargo gauge demo --json          the summary as JSON on standard output
  OPENAI_API_KEY=sk-... cargo gauge demo --upstream https://api.openai.com --model gpt-4o-mini
                                   a few small requests to a real OpenAI-compatible server
  JUDGE_API_KEY=sk-... cargo gauge demo --judge https://api.openai.com --judge-model gpt-4o-mini
                                   answers of the simulated providers, scored by a real judge
  cargo gauge demo --observe       Prometheus and Alertmanager beside it: every alert fires, is delivered and resolved")]
pub struct DemoArgs {
    /// Seconds of traffic, 12 exchanges a second.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Print the summary as JSON on standard output; progress stays on standard error.
    #[arg(long)]
    json: bool,
    /// Keep Envoy and the providers running after the checks, until Ctrl-C.
    #[arg(long)]
    serve: bool,
    /// Send a few requests to this OpenAI-compatible server instead of the simulated ones, with OPENAI_API_KEY as the
    /// key.
    #[arg(long, value_name = "URL", value_parser = real::upstream)]
    upstream: Option<Uri>,
    /// The model to request there.
    #[arg(long, value_name = "NAME", default_value = "gpt-4o-mini", requires = "upstream")]
    model: String,
    /// Have answers scored by this OpenAI-compatible server instead of the stand-in, with JUDGE_API_KEY as the key.
    #[arg(long, value_name = "URL", value_parser = real::upstream)]
    judge: Option<Uri>,
    /// The model to request there.
    #[arg(long, value_name = "NAME", default_value = "gpt-4o-mini", requires = "judge")]
    judge_model: String,
    /// Also run Prometheus and Alertmanager with the rules of envoy/, one minute of which takes one second here. Faults
    /// in the traffic make each of six alerts pending, firing, delivered and resolved. Takes two minutes.
    #[arg(long, conflicts_with_all = ["upstream", "judge", "seconds"])]
    observe: bool,
    /// Draw the panels of the dashboards from Prometheus' data, as SVG files in this folder.
    #[arg(long, value_name = "DIR", requires = "observe")]
    pictures: Option<PathBuf>,
}

/// Runs the demo. The exit code reports whether all checks agreed; an error reports why they could not be made.
pub fn run(args: DemoArgs) -> Result<ExitCode> {
    if args.observe {
        return observe::run(&args);
    }
    let filter = filter_and_envoy()?;
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime for the demo")?;
    let bootstrap = Bootstrap::shipped()?.filter(&filter)?.priced()?.flush_every(FLUSH)?;
    runtime.block_on(demo(&args, bootstrap))
}

/// Builds the filter, and installs Envoy at the same time if the machine has none: each takes half a minute.
fn filter_and_envoy() -> Result<PathBuf> {
    let envoy = std::thread::spawn(simulators::envoy::binary);
    let filter = build::filter(false).context("building the filter for the demo")?;
    // The error of an installation is reported where Envoy is started.
    let _installed = envoy.join();
    Ok(filter)
}

/// The running parts of a demo.
#[derive(Debug)]
struct DemoStack {
    envoy: Envoy,
    /// `None` if a real server is used.
    providers: Option<Arc<Providers>>,
    /// The stand-in, whose server stops when this is dropped; `None` if a real judge or none is used.
    judge: Option<JudgeServer>,
    storage: DemoCollector,
}

async fn demo(args: &DemoArgs, bootstrap: Bootstrap) -> Result<ExitCode> {
    let stage = DemoStack::start(args, bootstrap).await?;
    console::note(format_args!(
        "envoy: clients at http://{}, metrics at {}\n",
        stage.envoy.listener(),
        stage.metrics()
    ));
    let checks = match &stage.providers {
        Some(providers) => simulated(args, &stage, providers).await?,
        None => real::run(&stage.envoy, &args.model).await?,
    };
    let stats = stage.envoy.admin().stats().await?;
    let agree = checks.iter().all(Check::agrees);
    if args.json {
        let summary = json!({"agree": agree, "checks": checks, "models": table::rows(&stats), "judge": judge::summary(&stats)});
        console::print_line(serde_json::to_string_pretty(&summary)?)?;
    } else {
        console::print_line("")?;
        for line in checks.iter().flat_map(Check::lines) {
            console::print_line(line)?;
        }
        console::print_line(format_args!("\n{}", table::cost(&stats)))?;
        console::print_line(format_args!(
            "{}{}",
            judge::line(&stats),
            if stage.judge.is_some() { " (word-overlap stand-in judge)" } else { "" }
        ))?;
        console::print_line(format_args!(
            "stored in {0}; cargo gauge review --db {0} shows it",
            stage.storage.db()
        ))?;
        console::print_line(format_args!("\n{}", verdict(agree, checks.len())))?;
    }
    if args.serve {
        stage.serve().await?;
    }
    Ok(if agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn verdict(agree: bool, checks: usize) -> String {
    match agree {
        true => format!("All {checks} checks agree: what Envoy shows is what was sent."),
        false => {
            "Some checks disagree: the filter or the demo miscounted. See the lines marked with ✗.".into()
        }
    }
}

impl DemoStack {
    async fn start(args: &DemoArgs, bootstrap: Bootstrap) -> Result<Self> {
        let (bootstrap, judge) = judge::add(args, bootstrap).await?;
        let (bootstrap, storage) = DemoCollector::add(bootstrap).await?;
        if let Some(upstream) = &args.upstream {
            let bootstrap = bootstrap.upstream_url("openai", upstream)?;
            return Ok(Self { envoy: Envoy::start(bootstrap, 2).await?, providers: None, judge, storage });
        }
        let providers = Providers { openai: Provider::start().await?, anthropic: Provider::start().await? };
        // One provider per protocol, so that both protocols are used upstream.
        let bootstrap = bootstrap.upstream("openai", providers.openai.address(), Protocol::Http1)?.upstream(
            "anthropic",
            providers.anthropic.address(),
            Protocol::Http2,
        )?;
        Ok(Self {
            envoy: Envoy::start(bootstrap, 2).await?,
            providers: Some(Arc::new(providers)),
            judge,
            storage,
        })
    }

    fn metrics(&self) -> String {
        format!("http://{}/stats/prometheus", self.envoy.admin().address())
    }

    /// Prints example commands, and waits for Ctrl-C.
    async fn serve(&self) -> Result<()> {
        let listener = self.envoy.listener();
        console::note(format_args!("\nStill running; Ctrl-C ends it. Try:\n"));
        let script = if self.providers.is_some() {
            "\n    -H 'x-sim: input=1200; output=40; token_ms=50' \\"
        } else {
            ""
        };
        console::note(format_args!("  curl -N http://{listener}/v1/chat/completions \\{script}"));
        console::note(format_args!(
            "    -d '{{\"model\":\"gpt-4.1\",\"stream\":true,\"stream_options\":{{\"include_usage\":true}}}}'"
        ));
        console::note(format_args!("  curl -s {} | grep ^llm_", self.metrics()));
        console::note(format_args!("  curl http://{listener}/feedback \\"));
        console::note(format_args!(
            "    -d '{{\"request_id\":\"(the answer's x-llm-request-id)\",\"rating\":\"up\"}}'"
        ));
        tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")
    }
}

/// Runs the demo with simulated providers: traffic under a live table, then the comparison.
async fn simulated(args: &DemoArgs, stage: &DemoStack, providers: &Arc<Providers>) -> Result<Vec<Check>> {
    let envoy = &stage.envoy;
    let clients = drive::Clients::new(envoy.listener(), Arc::clone(providers));
    let count = args.seconds * drive::RATE;
    let outcome = watched(envoy, args.seconds, clients.run(count)).await?;
    let mut expected = outcome.expected;
    for (name, provider) in [("openai", &providers.openai), ("anthropic", &providers.anthropic)] {
        expect::tokens(&mut expected, name, &provider.ledger().totals());
    }
    let bytes = format!(
        "{} answers, {} bytes, each as the provider sent it",
        outcome.compared,
        grouped(outcome.bytes as f64)
    );
    let mut checks = vec![Check::new("the clients' side", bytes, outcome.deviations)];
    checks.extend(settled(stage, &expected).await?);
    Ok(checks)
}

/// Shows the table while the traffic runs, and once more at its end.
async fn watched<T>(envoy: &Envoy, seconds: u64, traffic: impl Future<Output = T>) -> Result<T> {
    let mut screen = LiveTable::new();
    let began = tokio::time::Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(screen.interval_ms()));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let heading = |now: &str| format!("llm-gauge demo, {now} of {seconds} s of traffic");
    tokio::pin!(traffic);
    let outcome = loop {
        tokio::select! {
            outcome = &mut traffic => break outcome,
            _ = ticks.tick() => {
                let now = format!("{:4.1} s", began.elapsed().as_secs_f64());
                screen.show(&heading(&now), &envoy.admin().stats().await?);
            }
        }
    };
    // Histograms are visible after the next flush.
    tokio::time::sleep(FLUSH * 2).await;
    screen.show(&heading("end"), &envoy.admin().stats().await?);
    Ok(outcome)
}

/// Returns the checks once they agree, or after a timeout.
async fn settled(stage: &DemoStack, expected: &Stats) -> Result<Vec<Check>> {
    let envoy = &stage.envoy;
    let checks = |stats: &Stats| {
        let mut checks = checks::of_metrics(stats, expected);
        checks.push(judge::check(stats, stage.judge.is_some()));
        checks.push(stage.storage.check(stats));
        checks
    };
    let missing = |stats: &Stats| {
        let checks = checks(stats);
        checks.iter().filter(|check| !check.agrees()).flat_map(Check::lines).collect()
    };
    // The error is ignored, because it only repeats the checks.
    let _ = envoy.admin().until(missing).await;
    Ok(checks(&envoy.admin().stats().await?))
}
