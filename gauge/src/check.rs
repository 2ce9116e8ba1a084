//! `cargo gauge check`: whether the filter would accept a plugin configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use llm_gauge_engine::policy::Policy;
use simulators::console;

/// The arguments of `cargo gauge check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cargo gauge check gauge.json")]
pub struct CheckArgs {
    /// The plugin configuration, a JSON file.
    file: PathBuf,
}

/// Checks, and says which key is wrong.
pub fn run(args: &CheckArgs) -> Result<ExitCode> {
    let file = args.file.display();
    let document = std::fs::read(&args.file).with_context(|| format!("cannot read {file}"))?;
    match Policy::parse(&document) {
        Ok(_) => {
            console::print_line(format_args!("{file}: good"))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            console::note(format_args!("{file}: {error}"));
            Ok(ExitCode::FAILURE)
        }
    }
}
