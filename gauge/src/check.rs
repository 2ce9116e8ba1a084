//! `cargo gauge check`: checks a plugin configuration, and explains its keys.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use llm_gauge_engine::config::{Policy, table};
use simulators::console;

/// The arguments of `cargo gauge check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo gauge check gauge.json\n  cargo gauge check --explain judge.timeout_ms\n  cargo gauge check --explain judge"
)]
pub struct CheckArgs {
    /// The plugin configuration, a JSON file.
    #[arg(required_unless_present = "explain")]
    file: Option<PathBuf>,
    /// Explain a key, such as judge.timeout_ms, and list the keys in it.
    #[arg(long, value_name = "KEY", conflicts_with = "file")]
    explain: Option<String>,
}

/// Checks a configuration, or explains a key.
pub fn run(args: &CheckArgs) -> Result<ExitCode> {
    match (&args.file, &args.explain) {
        (_, Some(key)) => explain(key),
        (Some(file), None) => check(file),
        (None, None) => bail!("expected a file or --explain KEY"),
    }
}

/// Prints the key that is wrong, and its explanation.
fn check(file: &Path) -> Result<ExitCode> {
    let name = file.display();
    let document = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
    let Err(error) = Policy::parse(&document) else {
        console::print_line(format_args!("{name}: good"))?;
        return Ok(ExitCode::SUCCESS);
    };
    console::note(format_args!("{name}: {error}"));
    if let Some(row) = table::nearest_row(&error.path) {
        console::note(format_args!("\n{row}"));
    }
    Ok(ExitCode::FAILURE)
}

fn explain(key: &str) -> Result<ExitCode> {
    let Some(row) = table::row(key) else {
        let (parent, keys) = match table::nearest_row(key) {
            Some(row) => (format!("in `{}`", row.path), table::rows_in(&row.path)),
            None => ("of the document".to_owned(), table::rows_in("")),
        };
        let names: Vec<_> = keys.iter().map(|row| row.path.as_str()).collect();
        bail!("--explain: expected a key {parent}, got `{key}`; there are: {}", names.join(", "));
    };
    console::print_line(&row)?;
    let keys = table::rows_in(&row.path);
    if !keys.is_empty() {
        console::print_line("  keys:")?;
    }
    for row in keys {
        console::print_line(format_args!("    {:<32} {}", row.path, row.meaning))?;
    }
    Ok(ExitCode::SUCCESS)
}
