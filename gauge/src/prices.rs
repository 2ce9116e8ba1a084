//! `cargo gauge prices`: rows for the key `prices`, made from the PyPI package `genai-prices`.

pub mod clause;
pub mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use llm_gauge_engine::config::Policy;
use simulators::console;
use simulators::python::{self, Package};

use table::{Export, MAIN, Table};

/// The release of the package. It is pinned, so that rows are the same everywhere, and the tests that compare our
/// arithmetic with the package's have a fixed reference.
pub const PINNED: &str = "0.2.3";

const EXPORT: &str = include_str!("prices/export.py");

/// The arguments of `cargo gauge prices`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo gauge prices --output prices.json\n  cargo gauge prices --providers openai,anthropic,gcp.gemini\n  cargo gauge prices --all --date 2027-01-01"
)]
pub struct PricesArgs {
    /// Providers to make rows for, by the names of the package or of the filter. Providers whose models they resell are
    /// included. Without it: the eleven providers with the most traffic.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', conflicts_with = "all")]
    providers: Option<Vec<String>>,
    /// Make rows for every provider the package knows.
    #[arg(long)]
    all: bool,
    /// Write to this file; without it to standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The day that prices are for; without it today.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    date: Option<String>,
    /// The Python (3.11 or later) that runs the package; without it $PYTHON, else python3.
    #[arg(long, value_name = "PY")]
    python: Option<PathBuf>,
}

/// Checks the form of a day. The package checks whether the day exists.
fn day(text: &str) -> Result<String, String> {
    let form = |(place, letter): (usize, char)| match place {
        4 | 7 => letter == '-',
        _ => letter.is_ascii_digit(),
    };
    let is_day = text.len() == 10 && text.chars().enumerate().all(form);
    is_day.then(|| text.to_owned()).ok_or_else(|| "expected a day such as 2026-11-23".to_owned())
}

/// Returns the Python with the package, which is installed on first use.
pub fn python(python: Option<&Path>) -> Result<PathBuf> {
    let package = Package {
        name: "genai-prices",
        version: PINNED,
        size: "5 MB",
        folder: "prices",
        with_dependencies: true,
        advice: "pip needs Python 3.11 or later (--python names another) and to reach a package index",
    };
    let found = |folder: &Path| {
        let python = folder.join("bin/python");
        let packages = std::fs::read_dir(folder.join("lib")).ok()?.flatten();
        let mut packages = packages.map(|lib| lib.path().join("site-packages/genai_prices"));
        (python.is_file() && packages.any(|package| package.is_dir())).then_some(python)
    };
    package.installed(python, found).context(
        "genai-prices could not be installed from PyPI: envoy/prices.json was made from it and needs no Python, or \
         repair what the message says and try again",
    )
}

/// Exports the package's prices at noon of a day.
pub fn export(python: &Path, date: Option<&str>) -> Result<Export> {
    let mut command = Command::new(python);
    command.args(["-c", EXPORT]).args(date);
    let printed = python::run(&mut command, "the date has to be a day such as 2026-11-23")?;
    serde_json::from_slice(&printed).context("reading what export.py printed")
}

/// Runs `cargo gauge prices`.
pub fn run(args: &PricesArgs) -> Result<ExitCode> {
    let python = python(args.python.as_deref())?;
    console::note(format_args!("prices: reading genai-prices {PINNED}"));
    let export = export(&python, args.date.as_deref())?;
    let main: Vec<_> = MAIN.iter().map(|name| (*name).to_owned()).collect();
    let chosen = args.providers.as_deref().unwrap_or(&main);
    let table = export.table((!args.all).then_some(chosen))?;
    check(&table)?;
    match &args.output {
        Some(file) => {
            std::fs::write(file, &table.json).with_context(|| format!("cannot write {}", file.display()))?;
        }
        None => console::print(&table.json)?,
    }
    for note in &table.notes {
        console::note(format_args!("prices: {note}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails if the filter would refuse the rows.
fn check(table: &Table) -> Result<()> {
    let configuration = format!("{{\"prices\":{}}}", table.json);
    let refused = Policy::parse(configuration.as_bytes()).err();
    ensure!(
        refused.is_none(),
        "the filter would refuse these rows: {}",
        refused.map_or_else(String::new, |error| error.to_string())
    );
    Ok(())
}
