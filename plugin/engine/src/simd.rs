//! Bytes in blocks of 64: a bit mask of those of a kind, and the text of JSON strings with its escapes.

mod escaped;
mod lane;

pub(crate) use escaped::{EscapedLength, Run, scan_escaped, unescape};
pub(crate) use lane::{BLOCK_BYTES, lanes};
