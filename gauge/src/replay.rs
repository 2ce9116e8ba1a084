//! `cargo gauge replay`: runs `cargo replay`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::wasm_host;

/// The arguments of `cargo gauge replay`, which `cargo replay` reads.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct ReplayArgs {
    /// Arguments of `cargo replay`, explained by `cargo replay --help`.
    #[arg(value_name = "ARGUMENTS", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Replaces this process by `cargo replay`, so that signals, pipes and the exit code are its own.
pub fn run(args: &ReplayArgs) -> Result<ExitCode> {
    let error = wasm_host::command("replay").args(&args.arguments).exec();
    Err(error).context("cannot start cargo")
}
