//! The configuration: a JSON document is parsed to a [`Policy`], or to a [`ConfigError`].
//!
//! ```text
//!  bytes ─> document ─ tree ─> section ─ values ─┬─> rules, labels, models, prices ─┐
//!                                 ^              ├─> judge, feedback                ├─> policy
//!                names, defaults, │ bounds       └─> telemetry, redact              ┘
//!                                keys ─ meanings ─> table ─> `cargo gauge check --explain`
//! ```
//!
//! - `policy`: [`Policy::parse`] reads the sections once, from top to bottom; a policy answers every question of the
//!   hot path. `route`: selects the requests to meter, with their format and provider
//! - `rules`, `labels`, `models`, `prices`, `judge`, `feedback`, `telemetry`, `redact`: one section of the document
//!   each
//! - `section`: an object of the document and its typed values; `document`: JSON; `error`: [`ConfigError`]
//! - `keys`: every key with its type, unit, default, bound and meaning; [`table`] renders them
//!
//! A new key needs a row in `keys`, a line in the file of its section, and a field in the type that the file returns.

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
