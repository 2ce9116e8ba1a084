//! Builds the component for `cargo gauge build --component`, which does not depend on the encoder itself.

// `println!` panics if the reader has closed the pipe: see `simulators::console`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use host_test::component;
use simulators::console;

fn main() -> ExitCode {
    console::exit_code(component::build().map(|_| ExitCode::SUCCESS))
}
