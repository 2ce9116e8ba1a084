//! Builds the filter.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

/// Builds the release filter and says where it is.
pub fn filter() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("host-test is in the workspace")?;
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--quiet",
            "--package",
            "llm-gauge",
            "--profile",
            "plugin",
            "--target",
            "wasm32-unknown-unknown",
        ])
        .current_dir(root)
        .status()
        .context("starting cargo to build the filter")?;
    ensure!(status.success(), "the filter does not build: see cargo's messages above");
    Ok(root.join("target/wasm32-unknown-unknown/plugin/llm_gauge.wasm"))
}
