//! The configuration: one JSON document in, a [`Policy`] or a [`ConfigError`] out.
//!
//! ```text
//!  bytes ─> document ─ tree ─> section ─ values ─┬─> rules, labels, models, prices ─┐
//!                                 ^              ├─> judge, feedback                ├─> policy
//!                names, defaults, │ bounds       └─> telemetry, redact              ┘
//!                                keys ─ meanings ─> table ─> reference page, `cargo gauge check`
//! ```
//!
//! - `policy`: [`Policy::parse`] reads the sections from top to bottom, once; what it makes answers every question
//!   of the hot path. `route`: which requests are metered, and as what
//! - `rules`, `labels`, `models`, `prices`, `judge`, `feedback`, `telemetry`, `redact`: one section of the document each
//! - `section`: an object of the document, its values by type; `document`: JSON; `error`: [`ConfigError`]
//! - `keys`: every key with its type, unit, default, bound and meaning; [`table`] renders them
//!
//! A new key is a row in `keys`, a line in the file of its section, and a field in what that file makes.

mod document;
mod error;
mod feedback;
mod judge;
mod keys;
mod labels;
mod models;
mod policy;
mod prices;
mod redact;
mod route;
mod rules;
mod section;
pub mod table;
mod telemetry;

pub use error::ConfigError;
pub use labels::Label;
pub use models::Models;
pub use policy::{FormatPaths, Policy};
pub use route::{Place, Route};

#[cfg(test)]
mod tests;
