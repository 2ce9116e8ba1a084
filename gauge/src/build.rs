//! `cargo gauge build`: the filter for proxies, or the engine as a component.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use simulators::workspace::target_dir;
use simulators::{build, console};

use crate::wasm_host;

/// The arguments of `cargo gauge build`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo gauge build              target/plugin/llm_gauge.wasm\n  cargo gauge build --portable   target/plugin/llm_gauge_portable.wasm\n  cargo gauge build --component  target/plugin/llm_gauge.component.wasm"
)]
pub struct BuildArgs {
    /// Build the engine as a component, for hosts of the component model.
    #[arg(long, conflicts_with = "portable")]
    component: bool,
    /// Build without SIMD, for hosts that do not support it.
    #[arg(long)]
    portable: bool,
}

/// Builds, and prints the path, the size and the hash of the result.
pub fn run(args: &BuildArgs) -> Result<ExitCode> {
    let what = if args.component { "component" } else { "filter" };
    console::note(format_args!("building the {what} (the first time takes half a minute)"));
    let wasm = if args.component { component()? } else { build::filter(args.portable)? };
    let bytes = std::fs::read(&wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let hash = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    console::print_line(format_args!("{}\n{} bytes\nsha256:{hash}", shown(&wasm), bytes.len()))?;
    Ok(ExitCode::SUCCESS)
}

fn component() -> Result<PathBuf> {
    let status = wasm_host::command("build-component").status().context("cannot start cargo")?;
    ensure!(status.success(), "building the component failed");
    Ok(target_dir().join("plugin").join("llm_gauge.component.wasm"))
}

/// Returns the path relative to the current directory, if it is below it.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}
