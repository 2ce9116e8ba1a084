//! The checks behind the engine's fuzz targets, in a library that every compiler accepts. Each check reads an input of
//! any bytes, and panics if the engine differs from a naive twin or from another implementation.
//!
//! libFuzzer calls them from `fuzz_targets/`; `tests/seeds.rs` calls them for every file of `seeds/`. What each check
//! holds is in `README.md`, what the bytes of an input mean is in its module.
//!
//! - Exchanges: [`split_anywhere`], [`rewrite`]
//! - Framings: [`bodies`], [`frames`], [`form`], [`sse_twin`]
//! - Texts: [`json_twin`], [`base64`]
//! - Encoder of inputs: `frame_encoder`
//! - From the engine's sources: `twins` of its unit tests, and what it does not export: `base64_decoder`,
//!   `frame_reader`

// `cargo clippy --all-targets` builds this as a unit test too, in which the engine's files would look for theirs.
#![cfg(not(test))]

use llm_gauge_decode_fuzz::Check;

pub mod base64;
pub mod bodies;
pub mod form;
pub mod frames;
pub mod json_twin;
pub mod rewrite;
pub mod split_anywhere;
pub mod sse_twin;

mod frame_encoder;
mod twins;

// These modules are at the root, since they are `pub(super)` and use `crate::limits`. They also declare their unit
// tests, which rustfmt would look for beside this file.
#[allow(dead_code, reason = "the engine uses what the checks do not")]
#[rustfmt::skip]
#[path = "../../src/scan/base64.rs"]
mod base64_decoder;
#[allow(dead_code, reason = "the engine uses what the checks do not")]
#[rustfmt::skip]
#[path = "../../src/scan/frames.rs"]
mod frame_reader;
mod limits {
    pub use llm_gauge_engine::limits::FRAME_HEADER_BYTES_MAX;
}

/// The name and check of every fuzz target.
pub const TARGETS: &[(&str, Check)] = &[
    ("base64", base64::check),
    ("bodies", bodies::check),
    ("form", form::check),
    ("frames", frames::check),
    ("json_twin", json_twin::check),
    ("rewrite", rewrite::check),
    ("split_anywhere", split_anywhere::check),
    ("sse_twin", sse_twin::check),
];
