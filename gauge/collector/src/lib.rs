//! Stores the telemetry of the filter, and reviews it each week.
//!
//! - [`mod@collect`]: receives spans, scores and feedback over OTLP/HTTP, stores them, and forwards them to other
//!   stores
//! - [`store`]: the SQLite file that they are stored in
//! - [`review`]: the weekly quality review of that file
//!
//! `cargo gauge collect` and `cargo gauge review` are the commands; this is the library behind them.

// `println!` and `eprintln!` panic if the reader has closed the pipe, but a collector continues.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod collect;
pub mod review;
pub mod store;
