//! The commands of the package `host-test`, which run wasm and are therefore built only where they are asked for.

use std::process::Command;

use simulators::workspace::workspace_dir;

/// A command that builds a binary of `host-test` and runs it here; its arguments are to be added.
pub(crate) fn command(binary: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--bin", binary, "--manifest-path"]);
    cargo.arg(workspace_dir().join("Cargo.toml")).arg("--");
    cargo
}
