//! The commands of the package `host-test`, which run wasm and are therefore only built when they are needed.

use std::process::Command;

use simulators::workspace::workspace_dir;

/// Returns a command that builds a binary of `host-test` and runs it. Its arguments are to be added.
pub(crate) fn command(binary: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--bin", binary, "--manifest-path"]);
    cargo.arg(workspace_dir().join("Cargo.toml")).arg("--");
    cargo
}
