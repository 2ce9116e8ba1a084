//! `cargo replay`: recorded exchanges, run through the real wasm in wasmtime.

// `println!` panics if the reader has closed the pipe: see `simulators::console`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use host_test::Module;
use host_test::component::{self, Component};
use host_test::replay::{self, CaseOutcome, Split};
use host_test::rules;
use simulators::case::Case;
use simulators::{build, console};

/// Run recorded exchanges through the real wasm in wasmtime.
#[derive(Parser)]
#[command(
    name = "cargo replay",
    bin_name = "cargo replay",
    version,
    after_help = "Examples:\n  cargo replay host-test/cases\n  cargo replay host-test/cases/openai_chat --split every\n  cargo replay host-test/cases --split 7 --json\n  cargo replay host-test/cases --host component\n  cargo replay --without-each-rule cohere_v2_chat"
)]
struct ReplayArgs {
    /// Case files, or folders with cases.
    #[arg(required_unless_present = "without_each_rule")]
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
    /// Print one JSON object for each case, or for each rule.
    #[arg(long)]
    json: bool,
    /// Leave out one rule of this format after another, in the bare engine, and report the rules that no case needs;
    /// exits 1 if there are any. Without paths, all of the project's cases are taken.
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["split", "config", "host"])]
    without_each_rule: Option<String>,
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
        _ => Err("expected `every` or a number of bytes of at least 1".to_owned()),
    }
}

fn main() -> ExitCode {
    let args = ReplayArgs::parse();
    console::exit_code(match &args.without_each_rule {
        Some(format) => rules::run(format, &args.paths, args.json),
        None => replay(&args),
    })
}

/// The function that runs one case.
type CaseRunner = Box<dyn Fn(&Case) -> Result<CaseOutcome> + Sync>;

fn replay(args: &ReplayArgs) -> Result<ExitCode> {
    let cases = Case::find(&args.paths)?;
    let configuration = match &args.config {
        Some(file) => std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?,
        None => Vec::new(),
    };
    let split = args.split.unwrap_or(Split::Whole);
    let work: CaseRunner = match args.host {
        HostKind::ProxyWasm => {
            let module = Module::from_file(build::filter(false)?)?;
            Box::new(move |case| replay::run(&module, &configuration, case, split))
        }
        HostKind::Component => {
            let component = Component::from_file(component::build()?)?;
            Box::new(move |case| replay::run_component(&component, &configuration, case, split))
        }
    };
    let progress = console::progress_bar(cases.len(), "cases");
    let (mut bad, mut failed) = (0, None);
    replay::run_parallel(&cases, work, |case, outcome| {
        progress.inc(1);
        match outcome {
            Ok(outcome) => {
                bad += usize::from(!outcome.is_good());
                progress.suspend(|| print(&outcome, args.json))?;
            }
            Err(error) => {
                bad += 1;
                failed.get_or_insert(error.context(format!("{}/{}", case.folder, case.name)));
            }
        }
        Ok(())
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    progress.finish_and_clear();
    console::note(format_args!("{} of {} cases as expected", cases.len() - bad, cases.len()));
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(outcome: &CaseOutcome, json: bool) -> Result<()> {
    if json {
        return console::print_line(serde_json::to_string(outcome)?);
    }
    let mark = if outcome.is_good() { '✓' } else { '✗' };
    let mut lines =
        vec![format!("{mark} {}/{} ({} cuttings)", outcome.folder, outcome.case, outcome.cuttings)];
    if !outcome.body_unchanged {
        lines.push("    the client did not get the bytes of the response".to_owned());
    }
    let cuttings = outcome.unequal_cuttings.iter().take(3);
    lines.extend(cuttings.map(|cutting| format!("    the record differs when cut {cutting}")));
    lines.extend(outcome.differences.iter().map(|difference| {
        format!("    {}: expected {}, got {}", difference.field, difference.expected, difference.actual)
    }));
    console::print_line(lines.join("\n"))
}
