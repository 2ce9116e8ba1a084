//! The weekly quality review of a store.
//!
//! Reading order:
//! - [`report`]: a [`Review`] as data
//! - [`load`]: reads rows into [`tally`], one for each week and model
//! - [`drift`]: tells drift from noise, by [`stats`]
//! - [`worst`]: the exchanges to look at first
//! - [`text`], [`html`] with [`chart`]: the forms of a review; [`plain`]: makes foreign text safe to show
//! - [`sample`]: a synthetic store, to try the review and to test it
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

/// Reviews a database at a given time.
pub fn read(db: &Path, weeks: u16, now_ns: i64) -> Result<Review> {
    let store = Store::read(db)?;
    let name = db.file_name().unwrap_or(db.as_os_str()).to_string_lossy().into_owned();
    // One transaction: a collector that writes meanwhile must not make one table newer than the other.
    let reading = store.connection().unchecked_transaction().map_err(|error| store.fault(error))?;
    Ok(Review::of(&reading, name, weeks, now_ns).map_err(|error| store.fault(error))?)
}
