//! Errors of the database, with advice for each.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// An error of one database.
#[derive(Debug)]
pub struct Error {
    path: PathBuf,
    reason: Reason,
}

/// The reasons of an error.
#[derive(Debug)]
pub enum Reason {
    /// The file does not exist.
    Missing,
    /// The file cannot be created.
    CannotMake(std::io::Error),
    /// The file has no tables yet.
    Empty,
    /// The file is not an SQLite database.
    NotADatabase,
    /// The file is another program's database.
    Foreign,
    /// The file was written by a later version of this program.
    Newer {
        /// The version of its schema.
        found: i64,
    },
    /// The file is in a place where SQLite cannot keep a write-ahead log.
    NoWal,
    /// The file was deleted, moved or replaced after it was opened.
    Gone,
    /// Another process holds a lock.
    Locked,
    /// The disk, or the allowed size, is used up.
    Full,
    /// The file cannot be written.
    ReadOnly,
    /// The file is damaged.
    Corrupt,
    /// The file cannot be opened.
    CannotOpen,
    /// The disk fails.
    Disk(rusqlite::Error),
    /// Any other error, which is a bug of this program.
    Other(rusqlite::Error),
}

impl Error {
    pub(super) fn new(path: &Path, reason: Reason) -> Self {
        Self { path: path.to_owned(), reason }
    }

    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.reason
    }
}

impl From<rusqlite::Error> for Reason {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt,
            Some(ErrorCode::CannotOpen) => Self::CannotOpen,
            Some(ErrorCode::SystemIoFailure) => Self::Disk(error),
            _ => Self::Other(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.path.display();
        match &self.reason {
            Reason::Missing => {
                write!(out, "{file} does not exist: `cargo gauge collect --db FILE` creates it")
            }
            Reason::CannotMake(error) => {
                write!(out, "cannot create {file} ({error}): name a file in a folder that can be written")
            }
            Reason::Empty => {
                write!(out, "{file} is empty: let `cargo gauge collect` write it first")
            }
            Reason::NotADatabase => write!(out, "{file} is not an SQLite database: name another file"),
            Reason::Foreign => write!(out, "{file} is another program's database: name another file"),
            Reason::Newer { found } => write!(
                out,
                "{file} was written by a later version (its schema is {found}, this one knows up to {}): \
                 use that version, or name another file",
                super::schema::LATEST
            ),
            Reason::NoWal => write!(
                out,
                "{file} is in a place where SQLite cannot keep its write-ahead log: choose a local disk, not a network's"
            ),
            Reason::Gone => write!(
                out,
                "{file} or its write-ahead log was deleted, moved or replaced while it was in use: move it back, or \
                 restart the collector, which opens the file of that name or creates a new one"
            ),
            Reason::Locked => write!(
                out,
                "{file} is locked by another process: end it (`fuser {file}` names it) or wait until it is done"
            ),
            Reason::Full => {
                write!(out, "there is no disk space left for {file}: free some, or move it to a larger disk")
            }
            Reason::ReadOnly => {
                write!(out, "{file} cannot be written: give this user the right to write it and its folder")
            }
            Reason::Corrupt => write!(
                out,
                "{file} is damaged: stop what writes it, and save what can be read with \
                 `sqlite3 {file} .recover | sqlite3 NEW`, or put a backup in its place"
            ),
            Reason::CannotOpen => write!(
                out,
                "cannot open {file}: it has to be a file that this user may read and write, in a folder \
                 that this user may write"
            ),
            Reason::Disk(error) => {
                write!(out, "the disk of {file} fails ({error}): look at the system's log")
            }
            Reason::Other(error) => write!(out, "{file}: {error}"),
        }
    }
}

impl std::error::Error for Error {}
