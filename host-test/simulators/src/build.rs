//! Builds the wasm that tests and commands run, so that none of them depends on an earlier build.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};

use crate::workspace::{replace_file, target_dir, workspace_dir};

/// The compilation target of every guest.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The profile of the shipped filter.
pub const PROFILE: &str = "plugin";

/// Builds a package of this workspace for wasm and returns the path of the result. A package is built once per process.
pub fn wasm(package: &str, profile: &str) -> Result<PathBuf> {
    once(package, profile, false)
}

/// Builds the filter and copies it to `target/plugin/llm_gauge.wasm`.
///
/// With `portable`, the filter is built without SIMD, for hosts that do not support it.
pub fn filter(portable: bool) -> Result<PathBuf> {
    let built = once("llm-gauge", PROFILE, portable)?;
    let name = if portable { "llm_gauge_portable.wasm" } else { "llm_gauge.wasm" };
    let place = target_dir().join("plugin").join(name);
    replace_file(&place, |fresh| std::fs::copy(&built, fresh).map(drop))?;
    Ok(place)
}

/// Holds the lock during the build: a second cargo in the same folder would only wait for the first.
fn once(package: &str, profile: &str, portable: bool) -> Result<PathBuf> {
    static BUILT: Mutex<BTreeMap<(String, String, bool), PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (package.to_owned(), profile.to_owned(), portable);
    if let Some(path) = built.get(&key) {
        return Ok(path.clone());
    }
    let path = build(package, profile, portable)?;
    built.insert(key, path.clone());
    Ok(path)
}

fn build(package: &str, profile: &str, portable: bool) -> Result<PathBuf> {
    ensure_target()?;
    // A separate folder, because the outer cargo holds the lock on the usual one while it runs tests.
    let folder = if portable { "portable" } else { "plugin" };
    let target_dir = target_dir().join(folder);
    let mut cargo = clean_command("cargo");
    cargo
        .args(["build", "--quiet", "--package", package])
        .args(["--profile", profile, "--target", TARGET, "--target-dir"])
        .arg(&target_dir);
    if portable {
        // The variable replaces the flags in `.cargo/config.toml`; the variable of one target would add to them.
        cargo.env("RUSTFLAGS", "-Ctarget-feature=-simd128");
    }
    let output = cargo.output().context("cannot start cargo")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("building {package} for {TARGET} failed:\n{said}");
    }
    let folder = if profile == "dev" { "debug" } else { profile };
    let file = format!("{}.wasm", package.replace('-', "_"));
    let path = target_dir.join(TARGET).join(folder).join(file);
    if !path.is_file() {
        bail!("building {package} did not produce {}", path.display());
    }
    Ok(path)
}

/// Installs the standard library for the target if it is missing.
fn ensure_target() -> Result<()> {
    let printed = clean_command("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .context("cannot start rustc")?;
    let libdir = String::from_utf8_lossy(&printed.stdout).trim().to_owned();
    if printed.status.success() && Path::new(&libdir).is_dir() {
        return Ok(());
    }
    let added = clean_command("rustup").args(["target", "add", TARGET]).output();
    let reason = match added {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    bail!(
        "the Rust target {TARGET} is not installed and could not be added ({reason}): \
         run `rustup target add {TARGET}`, or install your distribution's package for it"
    )
}

/// Returns a command in the workspace without the environment of an outer cargo: its flags for the machine would
/// replace those for wasm in `.cargo/config.toml`, and its job server is not available.
fn clean_command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace_dir());
    for name in [
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_MAKEFLAGS",
        "MAKEFLAGS",
        "MFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
        "CLIPPY_ARGS",
    ] {
        command.env_remove(name);
    }
    command
}
