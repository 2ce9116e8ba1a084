//! Builds the component, for `cargo gauge build --component`: the command itself has nothing that encodes one.

// `println!` panics where the reader has gone: see `simulators::console`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use host_test::component;
use simulators::console;

fn main() -> ExitCode {
    console::exit_code(component::build().map(|_| ExitCode::SUCCESS))
}
