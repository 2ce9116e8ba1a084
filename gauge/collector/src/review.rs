//! The weekly quality review of a store.
//!
//! Reading order:
//! - [`report`]: what a [`Review`] says, as data
//! - [`load`]: from the store's rows to [`tally`], a week and model each
//! - [`drift`]: which changes are drift and which are noise, by [`stats`]
//! - [`worst`]: the exchanges to look at first
//! - [`text`], [`html`] with [`chart`]: how it is shown; [`plain`]: what others wrote, made safe to show
//! - [`sample`]: a made store, to try it on and to test it with
//! - [`week`]: ISO weeks

pub mod report;

pub mod drift;
pub mod load;
pub mod stats;
pub mod tally;
pub mod worst;

pub mod chart;
pub mod html;
pub mod plain;
pub mod text;

pub mod sample;

pub mod week;

use std::path::Path;

use anyhow::Result;

use crate::store::Store;
pub use report::Review;

/// The review of a database, made at a moment.
pub fn read(db: &Path, weeks: u16, now_ns: i64) -> Result<Review> {
    let store = Store::read(db)?;
    let name = db.file_name().unwrap_or(db.as_os_str()).to_string_lossy().into_owned();
    // One transaction: a collector that writes meanwhile must not make one table newer than the other.
    let reading = store.connection().unchecked_transaction().map_err(|error| store.fault(error))?;
    Ok(Review::of(&reading, name, weeks, now_ns).map_err(|error| store.fault(error))?)
}
