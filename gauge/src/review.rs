//! `cargo gauge review`: the weekly quality review of the database that `cargo gauge collect` writes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use collector::review::sample::SamplePlan;
use collector::review::{self, html, text};
use collector::store::Store;
use simulators::console;

use crate::private_file;

/// The arguments of `cargo gauge review`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo gauge review --sample sample.db       eight weeks of synthetic data with one regression, to try it\n  cargo gauge review --db sample.db\n  cargo gauge review --db gauge.db --weeks 13 --html review.html\n  cargo gauge review --db gauge.db --json | jq .drifts\n\nExits with 0 whether or not there is drift; with --fail-on-drift, with 2 if the newest complete week\nor the current one has any."
)]
pub struct ReviewArgs {
    /// The database of `cargo gauge collect`. It may be in use.
    #[arg(long, value_name = "FILE", required_unless_present = "sample")]
    db: Option<PathBuf>,
    /// The number of weeks, up to the newest in the database.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=520))]
    weeks: u16,
    /// Write a self-contained page with charts to this file, which only its owner can read.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the charts alone to this file, as one SVG picture.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print everything as one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Exit with 2 if anything got worse in the newest complete week, or since.
    #[arg(long)]
    fail_on_drift: bool,
    /// Create a database with eight weeks of synthetic data and one regression in this file, and exit.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["db", "weeks", "html", "svg", "json", "fail_on_drift"])]
    sample: Option<PathBuf>,
}

/// The exit code for drift.
const DRIFT: u8 = 2;

/// Reads a database, and prints and writes its review.
pub fn run(args: &ReviewArgs) -> Result<ExitCode> {
    if let Some(file) = &args.sample {
        return make_sample(file);
    }
    let db = args.db.as_deref().context("expected --db FILE, the database to read")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("this machine's clock is before 1970")?;
    let review = review::read(db, args.weeks, i64::try_from(now.as_nanos()).unwrap_or(i64::MAX))?;
    if let Some(file) = &args.html {
        write(file, &html::page(&review))?;
    }
    if let Some(file) = &args.svg {
        write(file, &html::picture(&review))?;
    }
    if args.json {
        console::print_line(serde_json::to_string(&review)?)?;
    } else {
        console::print(text::text(&review))?;
    }
    let has_new_drift = review.drifts.iter().any(|drift| review.is_new(drift.week));
    Ok(if args.fail_on_drift && has_new_drift { DRIFT.into() } else { ExitCode::SUCCESS })
}

fn write(file: &Path, content: &str) -> Result<()> {
    private_file::write(file, content.as_bytes())?;
    console::note(format_args!("review: wrote {}", file.display()));
    Ok(())
}

fn make_sample(file: &Path) -> Result<ExitCode> {
    anyhow::ensure!(
        !file.exists(),
        "{} already exists: expected a new file, since synthetic data must not get into a real database",
        file.display()
    );
    let mut store = Store::open(file)?;
    SamplePlan::shown().keep(&mut store)?;
    console::note(format_args!("review: created {0}; now: cargo gauge review --db {0}", file.display()));
    Ok(ExitCode::SUCCESS)
}
