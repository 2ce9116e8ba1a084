//! `cargo gauge`: build, check, replay and show the filter.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use host_test::case::Case;
use host_test::component::Component;
use host_test::replay::{self, Outcome, Split};
use host_test::{Module, build, check, collect, dashboards, demo, evaluate, image, manifest, prices, review};
use sha2::{Digest, Sha256};

/// Build, check and try the llm-gauge filter on this machine.
#[derive(Parser)]
#[command(name = "cargo gauge", bin_name = "cargo gauge", version, subcommand_required = true)]
#[command(arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Watch the filter count LLM traffic in a real Envoy, and check that it counted right.
    Demo(demo::DemoArgs),
    /// Build the release filter at target/plugin/llm_gauge.wasm.
    Build(BuildArgs),
    /// Check a plugin configuration; exits 1 with the reason.
    Check(check::CheckArgs),
    /// Run recorded exchanges through the real wasm in wasmtime.
    Replay(ReplayArgs),
    /// Have recorded exchanges scored by a judge; exits 1 below the bar.
    Evaluate(evaluate::EvaluateArgs),
    /// Make price rows for the configuration from the PyPI package genai-prices.
    Prices(prices::PricesArgs),
    /// Build the image from which gateways fetch the filter, and push it.
    Image(image::ImageArgs),
    /// Make the rules for the Prometheus operator from those of Prometheus.
    PrometheusRule(manifest::PrometheusRuleArgs),
    /// Review the weeks of a database: what traffic was, how good answers were, and what got worse.
    Review(review::ReviewArgs),
    /// Keep spans, scores and feedback that come by OTLP/HTTP in SQLite.
    Collect(collect::CollectArgs),
    /// Write Grafana's dashboards to envoy/grafana/.
    Dashboards(dashboards::DashboardsArgs),
}

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  cargo gauge build              target/plugin/llm_gauge.wasm\n  cargo gauge build --portable   target/plugin/llm_gauge_portable.wasm\n  cargo gauge build --component  target/plugin/llm_gauge.component.wasm"
)]
struct BuildArgs {
    /// The engine as a component, for hosts of the component model.
    #[arg(long, conflicts_with = "portable")]
    component: bool,
    /// Leave SIMD out, for hosts that do not have it.
    #[arg(long)]
    portable: bool,
}

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  cargo gauge replay host-test/cases\n  cargo gauge replay host-test/cases/openai_chat --split every\n  cargo gauge replay host-test/cases --split 7 --json\n  cargo gauge replay host-test/cases --host component"
)]
struct ReplayArgs {
    /// Case files, or folders with cases.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Cut bodies after every N bytes, or at `every` offset.
    #[arg(long, value_name = "N|every", value_parser = split)]
    split: Option<Split>,
    /// A plugin configuration to run with.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run the filter in a proxy-wasm host, or the component in wasmtime; a component counts no metrics.
    #[arg(long, value_enum, default_value_t = HostKind::ProxyWasm)]
    host: HostKind,
    /// Print one JSON object a case.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum HostKind {
    ProxyWasm,
    Component,
}

fn split(text: &str) -> Result<Split, String> {
    match (text, text.parse()) {
        ("every", _) => Ok(Split::Every),
        (_, Ok(bytes)) if bytes > 0 => Ok(Split::Bytes(bytes)),
        _ => Err("expected `every` or a number of bytes".to_owned()),
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(args) => demo::run(args),
        Command::Build(args) => build(&args),
        Command::Check(args) => check::run(&args),
        Command::Replay(args) => replay(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Prices(args) => prices::run(&args),
        Command::Image(args) => image::run(&args),
        Command::PrometheusRule(args) => manifest::run(&args),
        Command::Review(args) => review::run(&args),
        Command::Collect(args) => collect::run(args),
        Command::Dashboards(args) => dashboards::run(&args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn build(args: &BuildArgs) -> Result<ExitCode> {
    let what = if args.component { "component" } else { "filter" };
    eprintln!("building the {what} (the first time takes half a minute)");
    let wasm = if args.component { build::component()? } else { build::filter(args.portable)? };
    let bytes = std::fs::read(&wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let hash = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    println!("{}\n{} bytes\nsha256:{hash}", shown(&wasm), bytes.len());
    Ok(ExitCode::SUCCESS)
}

/// The path as it is shortest to type from here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

/// What is done with a case.
type Work = Box<dyn Fn(&Case) -> Result<Outcome> + Sync>;

fn replay(args: &ReplayArgs) -> Result<ExitCode> {
    let cases = Case::find(&args.paths)?;
    let configuration = match &args.config {
        Some(file) => std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?,
        None => Vec::new(),
    };
    let split = args.split.unwrap_or(Split::Whole);
    let work: Work = match args.host {
        HostKind::ProxyWasm => {
            let module = Module::from_file(build::filter(false)?)?;
            Box::new(move |case| replay::run(&module, &configuration, case, split))
        }
        HostKind::Component => {
            let component = Component::from_file(build::component()?)?;
            Box::new(move |case| replay::run_component(&component, &configuration, case, split))
        }
    };
    let is_watched = std::io::stderr().is_terminal();
    let (mut bad, mut done, mut failed) = (0, 0, None);
    replay::spread(&cases, work, |case, outcome| {
        done += 1;
        match outcome {
            Ok(outcome) => {
                bad += usize::from(!outcome.is_good());
                print(&outcome, args.json);
            }
            Err(error) => {
                bad += 1;
                failed.get_or_insert(error.context(format!("{}/{}", case.folder, case.name)));
            }
        }
        if is_watched {
            eprint!("\r{done} of {} cases", cases.len());
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let back = if is_watched { "\r" } else { "" };
    eprintln!("{back}{} of {} cases as expected", cases.len() - bad, cases.len());
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(outcome: &Outcome, json: bool) {
    if json {
        println!("{}", serde_json::to_string(outcome).unwrap_or_default());
        return;
    }
    let mark = if outcome.is_good() { '✓' } else { '✗' };
    println!("{mark} {}/{} ({} cuttings)", outcome.folder, outcome.case, outcome.cuttings);
    if !outcome.body_unchanged {
        println!("    the client did not get the response's bytes");
    }
    for cutting in outcome.unequal_cuttings.iter().take(3) {
        println!("    another record when cut {cutting}");
    }
    for difference in &outcome.differences {
        println!("    {}: expected {}, got {}", difference.field, difference.expected, difference.actual);
    }
}
