//! Spans, scores and feedback in one SQLite file, which `cargo gauge collect` writes and `cargo gauge review` reads.
//!
//! Reading order:
//! - [`rows`]: the stored rows: a [`Span`] for an exchange, an [`Evaluation`] for a score or a rating
//! - [`write`](Store::write): stores a batch in one transaction, each row once however often it is sent
//! - `request`: the OTLP request of a batch without known spans, for other stores
//! - [`schema`]: the numbered migrations, with the meaning of the columns
//! - [`delete`](Store::delete_before): deletes old rows in batches
//! - `identity`: whether the file is still the one that was opened
//! - [`outbox`]: deliveries to other stores, written in the same transaction as their rows
//! - [`error`]: errors of a database, with advice
//!
//! Stored rows are durable: the file is in WAL mode with `synchronous=FULL`, so that a commit has reached the disk
//! before [`Store::write`] returns. Neither `kill -9` nor a loss of power undoes it, if the disk is honest about its
//! cache. `NORMAL` would survive `kill -9` too, and save a sync per commit, but a loss of power could undo the last
//! commits, and their senders have already discarded their copies. The collector compensates by storing everything that
//! waits in one transaction.
//!
//! ```
//! use collector::store::{Batch, Evaluation, Id, Span, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let mut store = Store::open(&folder.path().join("gauge.db"))?;
//! let span = Span { trace_id: Id([1; 16]), span_id: Id([2; 8]), name: "chat gpt-4o".into(), ..Span::default() };
//! let batch = Batch { spans: vec![span], ..Batch::default() };
//! assert_eq!(store.write(&batch)?.spans.new, [0]);
//! assert_eq!(store.write(&batch)?.spans.known, 1); // a retry is no second exchange
//! # Ok(())
//! # }
//! ```

pub mod rows;

pub mod error;
pub mod outbox;
pub mod schema;

mod delete;
mod identity;
mod request;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use identity::Identity;

pub use delete::{DeleteOutcome, ROWS_MAX};
pub use error::{Error, Reason};
pub use outbox::{DueDelivery, Kind};
pub use rows::{Evaluation, Id, Span};
pub use write::{Batch, BatchOutcome, RowsOutcome};

/// Maximum wait for another process's lock. It is shorter than any sender's timeout.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// An open database.
#[derive(Debug)]
pub struct Store {
    db: Connection,
    path: PathBuf,
    /// The files as they were opened.
    identity: Identity,
}

impl Store {
    /// Opens the file for writing. A missing file is created, and an older one is migrated to this version's schema.
    ///
    /// A new file can only be read by its owner, because it may contain prompts.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::make(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut store = Self::connect(path, flags)?;
        store.returns_space().map_err(|reason| store.fault(reason))?;
        schema::migrate(&mut store.db).map_err(|reason| store.fault(reason))?;
        store.durable().map_err(|reason| store.fault(reason))?;
        Ok(store)
    }

    /// Opens the file for reading. Another process may write it, and it may be of an older version.
    pub fn read(path: &Path) -> Result<Self, Error> {
        if !path.exists() {
            return Err(Error::new(path, Reason::Missing));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let store = Self::connect(path, flags)?;
        let version = schema::version(&store.db).map_err(|reason| store.fault(reason))?;
        if version == 0 {
            return Err(store.fault(Reason::Empty));
        }
        Ok(store)
    }

    /// Returns the connection for queries. All writes are in [`Store::write`].
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.db
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the error of a failed query, with advice.
    #[must_use]
    pub fn fault(&self, reason: impl Into<Reason>) -> Error {
        Error::new(&self.path, reason.into())
    }

    /// Creates the file. SQLite would use the process's umask, which makes it readable for everybody on most machines.
    fn make(path: &Path) -> Result<(), Error> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(Error::new(path, Reason::CannotMake(error))),
        }
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, Error> {
        let fault = |error: rusqlite::Error| Error::new(path, error.into());
        let db = Connection::open_with_flags(path, flags).map_err(fault)?;
        db.busy_timeout(LOCK_WAIT).map_err(fault)?;
        db.set_prepared_statement_cache_capacity(32);
        Ok(Self { db, path: path.to_owned(), identity: Identity::of(path) })
    }

    /// Lets a new file return the space of deleted rows. It has no effect on a file that has tables.
    fn returns_space(&self) -> Result<(), Reason> {
        match schema::version(&self.db)? {
            0 => Ok(self.db.pragma_update(None, "auto_vacuum", "incremental")?),
            _ => Ok(()),
        }
    }

    fn durable(&self) -> Result<(), Reason> {
        let mode: String = self.db.query_row("pragma journal_mode = wal", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(Reason::NoWal);
        }
        self.db.pragma_update(None, "synchronous", "full")?;
        // The size to which a checkpoint truncates the log. Without it, the log stays as large as it once was.
        self.db.pragma_update(None, "journal_size_limit", 16 << 20)?;
        Ok(())
    }
}
