//! `cargo gauge review`: the weekly quality review of the database that `cargo gauge collect` keeps.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use collector::review::sample::Plan;
use collector::review::{self, html, text};
use collector::store::Store;
use simulators::console;

/// The arguments of `cargo gauge review`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo gauge review --sample sample.db       a store with eight made weeks, to try it on\n  cargo gauge review --db sample.db\n  cargo gauge review --db gauge.db --weeks 13 --html review.html\n  cargo gauge review --db gauge.db --json | jq .drifts\n\nExits with 0 whether or not there is drift; with --fail-on-drift, with 2 if the newest week\nhas any, or the one before while the newest is not over."
)]
pub struct ReviewArgs {
    /// The database of `cargo gauge collect`. It may be in use.
    #[arg(long, value_name = "FILE", required_unless_present = "sample")]
    db: Option<PathBuf>,
    /// How many weeks, up to the newest in the store.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=520))]
    weeks: u16,
    /// Write a page with charts there, which needs nothing but itself.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the charts alone there, as one SVG picture.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print everything as one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Exit with 2 if anything got worse in the newest week that is over, or since.
    #[arg(long)]
    fail_on_drift: bool,
    /// Make a store there with eight weeks of made traffic, in which one thing got worse, and end.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["db", "weeks", "html", "svg", "json", "fail_on_drift"])]
    sample: Option<PathBuf>,
}

/// What says that something got worse.
const DRIFT: u8 = 2;

/// Reads a database, and prints and writes its review.
pub fn run(args: &ReviewArgs) -> Result<ExitCode> {
    if let Some(file) = &args.sample {
        return make_sample(file);
    }
    let db = args.db.as_deref().context("--db FILE says which database to read")?;
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
    std::fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))?;
    console::note(format_args!("review: wrote {}", file.display()));
    Ok(())
}

fn make_sample(file: &Path) -> Result<ExitCode> {
    anyhow::ensure!(
        !file.exists(),
        "{} is there already: name a new file, made traffic must not get into a real store",
        file.display()
    );
    let mut store = Store::open(file)?;
    Plan::shown().keep(&mut store)?;
    console::note(format_args!("review: made {0}; now: cargo gauge review --db {0}", file.display()));
    Ok(ExitCode::SUCCESS)
}
