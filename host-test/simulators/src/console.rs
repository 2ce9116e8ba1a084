//! Standard output and standard error of a command whose reader may close the pipe, as in `cargo gauge review | head`.
//!
//! `println!` panics then. Restoring the default of `SIGPIPE`, which ends other programs, is no solution: it would also
//! end a server that writes to a socket closed by its peer. Results therefore go through [`print()`], whose error a
//! command returns up to [`exit_code`], which ends the process silently. Progress goes through [`note`], which ignores
//! a closed pipe. Lints forbid the macros of the standard library.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use anyhow::Result;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Row, Table, presets};
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// The columns that every output of a command fits.
pub const COLUMNS: usize = 80;

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

/// Returns a progress bar on standard error: hidden unless that is a terminal, and gone when the caller drops it.
pub fn progress_bar(total: usize, unit: &str) -> ProgressBar {
    let template = format!("{{bar:30}} {{pos}} of {{len}} {unit}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total as u64).with_style(style).with_finish(ProgressFinish::AndClear)
}

/// Returns the lines of a table that fits [`COLUMNS`]. The first row is the header. The first `text_columns` columns
/// are aligned to the left, the others to the right. If the table is too wide, the first column is cut.
pub fn table(rows: &[Vec<String>], text_columns: usize) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(COLUMNS).unwrap_or(u16::MAX)).set_truncation_indicator("…");
    for cells in rows {
        let mut row = Row::from(cells);
        row.max_height(1);
        table.add_row(row);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if index >= text_columns {
            column.set_cell_alignment(CellAlignment::Right);
        }
        if index > 0 {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
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

/// Breaks a line of words so that it fits [`COLUMNS`]; further lines are indented.
pub fn wrapped(text: &str) -> Vec<String> {
    let options = textwrap::Options::new(COLUMNS).subsequent_indent("  ");
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, table};

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|cells| cells.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn table_aligns_text_to_the_left_and_numbers_to_the_right() {
        let lines =
            table(&rows(&[&["name", "state", "count"], &["a", "good", "1,234"], &["long name", "", "5"]]), 2);
        assert_eq!(lines, ["name      state count", "a         good  1,234", "long name           5"]);
    }

    #[test]
    fn table_cuts_the_first_column_to_fit_a_terminal() {
        let (name, number) = ("n".repeat(70), "9".repeat(40));
        let lines = table(&rows(&[&["name", "number"], &[&name, &number]]), 1);
        assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS), "{lines:?}");
        assert!(lines[1].ends_with(&format!("… {number}")), "{lines:?}");
    }
}
