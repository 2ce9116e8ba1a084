//! Looks at bytes in blocks of 64: bit masks of the bytes of a class, and the text of JSON strings with escapes.

mod escaped;
mod lane;

pub(crate) use escaped::{EscapedLength, Run, scan_escaped, unescape};
pub(crate) use lane::{BLOCK_BYTES, lanes};
