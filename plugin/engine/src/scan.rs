//! Bytes in, `(path, scalar)` out, in bounded memory and without looking at a byte twice.
//!
//! [`Paths`] says which places of a document are wanted. [`Json`] walks a document as its bytes arrive and reports the
//! values at those places. [`Sse`] splits an event stream into the documents it carries. [`Body`] combines the two
//! behind the decoders of `llm-gauge-decode`, and is the interface that the exchange uses. Nothing in this module knows
//! a provider.

mod base64;
mod body;
mod form;
mod frames;
mod json;
mod number;
mod paths;
mod sse;
mod text;

pub use body::{Body, Documents, Framing, FramingHints};
pub use form::Form;
pub use json::{DocumentEnd, Json, JsonError};
pub use paths::{Node, NodeId, Paths};
pub use sse::{Sse, SseSink};
pub(crate) use text::StringReader;

/// The position of a value within the arrays that contain it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// Index in the outermost array, 0 outside of arrays.
    pub outer: u32,
    /// Index in the innermost array, 0 outside of arrays.
    pub inner: u32,
}

/// A value that is not a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// The digits as written in the document; empty if they are no JSON number, or too long for a count.
    Number(&'a str),
    /// A string with its escapes resolved, cut off at the length that the path asked for. May hold invalid UTF-8.
    Text {
        /// The first bytes of the string.
        start: &'a [u8],
        /// Whether the whole string was empty (`start` is also empty if a path only asks for presence).
        empty: bool,
    },
}

/// Receives the values that the scanner reports.
pub trait Sink {
    /// Reports that an object or array begins at a wanted place.
    fn open(&mut self, node: NodeId, at: At);
    /// Reports a scalar at a wanted place.
    fn scalar(&mut self, node: NodeId, at: At, value: Scalar<'_>);
    /// Reports a piece of a string at a place whose whole text is wanted, with escapes resolved. The string's
    /// [`Sink::scalar`] follows its last piece.
    fn flow(&mut self, node: NodeId, at: At, piece: &[u8]);

    /// Offers bytes of such a string as written, with their escapes. Returns how many bytes were taken, never the
    /// closing quote nor part of an escape. The bytes that were not taken are resolved and reported by [`Sink::flow`].
    fn flow_escaped(&mut self, _node: NodeId, _at: At, _bytes: &[u8]) -> usize {
        0
    }
}
