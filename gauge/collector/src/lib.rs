//! Keeps what leaves the filter, and says each week what it came to.
//!
//! - [`mod@collect`]: takes spans, scores and feedback by OTLP/HTTP, keeps them, and passes them on to other stores
//! - [`store`]: the SQLite file that they are kept in
//! - [`review`]: the weekly quality review of that file
//!
//! `cargo gauge collect` and `cargo gauge review` are the commands; this is the library behind them.

// `println!` and `eprintln!` panic where the reader has gone, and a collector goes on.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod collect;
pub mod review;
pub mod store;
