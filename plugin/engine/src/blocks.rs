//! Bytes in blocks of 64: which of them are of a kind, a bit for each, and text as JSON strings have it.

mod lane;
mod written;

pub(crate) use lane::{BLOCK_BYTES, lanes};
pub(crate) use written::{Run, Written, resolved, written};
