//! Bytes in, `(path, scalar)` out, in bounded memory and without ever looking at a byte twice.
//!
//! [`Paths`] says which places of a document are wanted; [`Json`] walks a document as its bytes arrive and
//! reports what stands at those places; [`Sse`] cuts an event stream into the documents it carries; [`Body`]
//! puts the two together, behind the decoders of `llm-gauge-decode`, and is what the exchange talks to. Nothing here
//! knows a provider.

mod base64;
mod body;
mod form;
mod frames;
mod json;
mod number;
mod paths;
mod sse;
mod text;

pub use body::{Announced, Body, Documents, Framing};
pub use form::Form;
pub use json::{Ended, Fault, Json};
pub use paths::{Node, NodeId, Paths};
pub use sse::{Sse, SseSink};
pub(crate) use text::Text;

/// Where a value stands among the arrays around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// Ordinal in the outermost array, 0 outside of arrays.
    pub outer: u32,
    /// Ordinal in the innermost array, 0 outside of arrays.
    pub inner: u32,
}

/// A value that is not a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// The digits as they stand in the document; empty where they are no JSON number, or too long for a count.
    Number(&'a str),
    /// A string with its escapes resolved, cut off at what the path asked for. May hold invalid UTF-8.
    Text {
        /// The first bytes.
        start: &'a [u8],
        /// Whether the whole string was empty (`start` is empty too where a path only asks for presence).
        empty: bool,
    },
}

/// Takes what the scanner finds.
pub trait Sink {
    /// An object or array begins at a wanted place.
    fn open(&mut self, node: NodeId, at: At);
    /// A scalar stands at a wanted place.
    fn scalar(&mut self, node: NodeId, at: At, value: Scalar<'_>);
    /// A piece of a string at a place that flows, escapes resolved; its [`Sink::scalar`] follows the last one.
    fn flow(&mut self, node: NodeId, at: At, piece: &[u8]);

    /// Bytes of such a string as they are written, escapes and all. Returns how many it has taken, never the closing
    /// quote nor part of an escape; what it leaves is resolved and comes as a piece.
    fn written(&mut self, _node: NodeId, _at: At, _bytes: &[u8]) -> usize {
        0
    }
}
