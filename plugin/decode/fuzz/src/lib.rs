//! The checks behind the decoders' fuzz targets, in a library that every compiler takes. Each check reads an input of
//! any bytes and panics if the decoder and another implementation differ, or the decoder and itself in other pieces.
//!
//! libFuzzer calls them from `fuzz_targets/`; `tests/seeds.rs` calls them for every file of `seeds/`. What the bytes of
//! an input mean is in the check's module.
//!
//! - Checks: [`decode_gzip`], [`decode_brotli`], [`decode_zstd`], and `decoding`, which they share
//! - For the engine's checks too: [`cuttings`] of an input, the [`references`], and [`replay`] of seeds

pub mod decode_brotli;
pub mod decode_gzip;
pub mod decode_zstd;

pub mod cuttings;
pub mod references;
pub mod replay;

mod decoding;

/// A check, which is called with one input.
pub type Check = fn(&[u8]);

/// The name and check of every fuzz target.
pub const TARGETS: &[(&str, Check)] = &[
    ("decode_brotli", decode_brotli::check),
    ("decode_gzip", decode_gzip::check),
    ("decode_zstd", decode_zstd::check),
];
