//! Whether a database is still the file that was opened.
//!
//! A file that is deleted or moved continues to exist for the processes that have it open. SQLite does not notice: what
//! it commits is durable, in a file that no one finds, or that is freed when the process ends. The write-ahead log is
//! checked as well, because the newest rows are in it alone.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Error, Reason, Store};

/// The files of an open database.
#[derive(Debug, Default)]
pub(super) struct Identity {
    file: Option<FileId>,
    /// `None` until the first write.
    log: Option<FileId>,
}

/// The device and the number of a file.
type FileId = (u64, u64);

impl Identity {
    /// Returns the identity of a file that was opened just now.
    pub(super) fn of(path: &Path) -> Self {
        Self { file: id(path), log: None }
    }

    /// Whether the files are in their places.
    fn holds(&mut self, path: &Path) -> bool {
        let log = id(&log_of(path));
        // SQLite creates the log at the first write and keeps it as long as the database is open.
        self.log = self.log.or(log);
        self.file == id(path) && self.log == log
    }
}

impl Store {
    /// Returns an error if the file is no longer the one that was opened.
    pub fn is_in_place(&mut self) -> Result<(), Error> {
        match self.identity.holds(&self.path) {
            true => Ok(()),
            false => Err(self.fault(Reason::Gone)),
        }
    }
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push("-wal");
    name.into()
}

#[cfg(unix)]
fn id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;

    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Other systems do not let a file be deleted while it is open.
#[cfg(not(unix))]
fn id(_: &Path) -> Option<FileId> {
    None
}
