//! Standard output and standard error of a command whose reader may close the pipe, as in `cargo gauge review | head`.
//!
//! `println!` panics then. Restoring the default of `SIGPIPE`, which ends other programs, is no solution: it would also
//! end a server that writes to a socket closed by its peer. Results therefore go through [`print()`], whose error a
//! command returns up to [`exit_code`], which ends the process silently. Progress goes through [`note`], which ignores
//! a closed pipe. Lints forbid the macros of the standard library.

use std::fmt;
use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use anyhow::Result;

/// The exit code that a shell reports for a program ended by a closed pipe: 128 and the number of `SIGPIPE`. It is not
/// success, because a failed check may be among the unread output.
const CLOSED_PIPE: u8 = 141;

/// The error for a standard output whose reader has closed the pipe.
#[derive(Debug)]
struct ClosedPipe;

impl fmt::Display for ClosedPipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader of standard output has closed the pipe")
    }
}

impl std::error::Error for ClosedPipe {}

/// Prints a line of the result on standard output.
///
/// # Errors
/// Fails if the line cannot be written. A command returns the error unchanged, for [`exit_code`].
pub fn print_line(line: impl fmt::Display) -> Result<()> {
    print(format_args!("{line}\n"))
}

/// Prints a part of the result on standard output.
///
/// # Errors
/// As for [`print_line`].
pub fn print(text: impl fmt::Display) -> Result<()> {
    let mut output = io::stdout().lock();
    write!(output, "{text}").and_then(|()| output.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => ClosedPipe.into(),
        _ => anyhow::Error::new(error).context("cannot write to standard output"),
    })
}

/// Reports the progress of a command on standard error. A closed pipe is ignored.
pub fn note(line: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Overwrites the line that the last call wrote to standard error.
pub fn progress(line: impl fmt::Display) {
    let _ = write!(io::stderr().lock(), "\r{line}");
}

/// Returns the exit code of a command. An error is reported, unless it is a closed pipe.
pub fn exit_code(done: Result<ExitCode>) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(error) if error.is::<ClosedPipe>() => CLOSED_PIPE.into(),
        Err(error) => {
            note(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
