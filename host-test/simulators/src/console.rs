//! Standard output and standard error of a command whose reader may go away, as in `cargo gauge review | head`.
//!
//! `println!` panics there, and the signal that ends other programs cannot be given back its default: it would also
//! end a server that writes to a socket which its peer has closed. So results go through [`print()`], whose error a
//! command hands on until [`exit_code`] ends the process without a word, and progress goes through [`note`], which
//! carries on without a reader. Lints keep the macros of the standard library out.

use std::fmt;
use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use anyhow::Result;

/// What a shell reports for a program that the closed pipe has ended: 128 and the number of `SIGPIPE`. Not success,
/// since a verdict may be among what nobody has read.
const CLOSED_PIPE: u8 = 141;

/// The reader of standard output has gone.
#[derive(Debug)]
struct ReaderGone;

impl fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads standard output any more")
    }
}

impl std::error::Error for ReaderGone {}

/// Prints a line of the result on standard output.
///
/// # Errors
/// If it cannot be written. A command passes the error on to [`exit_code`] as it is.
pub fn print_line(line: impl fmt::Display) -> Result<()> {
    print(format_args!("{line}\n"))
}

/// Prints a part of the result on standard output.
///
/// # Errors
/// As [`print_line`].
pub fn print(text: impl fmt::Display) -> Result<()> {
    let mut output = io::stdout().lock();
    write!(output, "{text}").and_then(|()| output.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => ReaderGone.into(),
        _ => anyhow::Error::new(error).context("cannot write to standard output"),
    })
}

/// Tells people on standard error how a command gets on, if anybody reads that.
pub fn note(line: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes over the line that the last call left on standard error.
pub fn progress(line: impl fmt::Display) {
    let _ = write!(io::stderr().lock(), "\r{line}");
}

/// The exit code of a command. An error is reported, unless it says that nobody reads the result.
pub fn exit_code(done: Result<ExitCode>) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(error) if error.is::<ReaderGone>() => CLOSED_PIPE.into(),
        Err(error) => {
            note(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
