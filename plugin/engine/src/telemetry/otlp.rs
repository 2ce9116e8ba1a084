//! The parts of OpenTelemetry's protocol that the filter uses: spans, log records, and the requests that contain
//! them.
//!
//! The encoders for its dozen messages are written by hand. Each item is encoded once, when it is submitted, and a
//! request concatenates the items between a header and a trailer. A message library would keep every item as a tree
//! until it is sent, and would make the filter larger.

mod json;
mod protobuf;

use std::borrow::Cow;

/// An attribute: a name and its value.
pub type Attribute = (Cow<'static, str>, Value);

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A yes or no.
    Bool(bool),
    /// A count.
    Int(u64),
    /// A floating-point number.
    Double(f64),
}

/// A client span. Its start and end times are computed when it is encoded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// The trace id.
    pub trace: [u8; 16],
    /// The span id.
    pub id: [u8; 8],
    /// The span id of the parent. `None` if the span has no parent.
    pub parent: Option<[u8; 8]>,
    /// The span's name.
    pub name: String,
    /// The duration in milliseconds.
    pub duration_ms: u64,
    /// The span's attributes.
    pub attributes: Vec<Attribute>,
    /// The span's events: the name, and the milliseconds from the span's start.
    pub events: Vec<(&'static str, u64)>,
    /// The class of the error. `None` if the span did not fail.
    pub failure: Option<&'static str>,
    /// The content, which may not leave before it is redacted. `None` if none is exported.
    pub content: Option<RawContent>,
}

/// The texts of an exchange before their redaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawContent {
    /// The question, the context and the answer; empty if there is none.
    pub texts: [String; 3],
    /// The finish reason of the answer.
    pub finish: String,
    /// Whether a text was longer than the bound.
    pub is_too_large: bool,
}

/// A log record that is an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The event's name.
    pub name: &'static str,
    /// The trace that the event belongs to.
    pub trace: [u8; 16],
    /// The span that the event belongs to.
    pub span: [u8; 8],
    /// The event's attributes.
    pub attributes: Vec<Attribute>,
}

/// The type of the items in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Spans,
    /// Log records.
    Events,
}

/// The encoding of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Binary protobuf.
    Protobuf,
    /// JSON.
    Json,
}

const SCOPE: &str = "llm-gauge";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The value of `SPAN_KIND_CLIENT`.
const KIND_CLIENT: u64 = 3;

/// The value of `STATUS_CODE_ERROR`.
const STATUS_ERROR: u64 = 2;

/// The value of `SEVERITY_NUMBER_INFO`.
const SEVERITY_INFO: u64 = 9;

impl Encoding {
    /// Returns the media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// Encodes a span that ended `end_ns` after the Unix epoch.
    pub fn span(self, span: &Span, end_ns: u64) -> Vec<u8> {
        let start_ns = end_ns.saturating_sub(nanoseconds(span.duration_ms));
        match self {
            Self::Protobuf => protobuf::span(span, start_ns, end_ns),
            Self::Json => json::span(span, start_ns, end_ns),
        }
    }

    /// Encodes an event at `at_ns` after the Unix epoch.
    pub fn event(self, event: &Event, at_ns: u64) -> Vec<u8> {
        match self {
            Self::Protobuf => protobuf::event(event, at_ns),
            Self::Json => json::event(event, at_ns),
        }
    }

    /// Encodes the request with these items, which are already in this encoding, and this resource.
    pub fn request<'i>(
        self,
        signal: Signal,
        resource: &[Attribute],
        items: impl Iterator<Item = &'i [u8]> + Clone,
    ) -> Vec<u8> {
        match self {
            Self::Protobuf => protobuf::request(resource, items),
            Self::Json => json::request(signal, resource, items),
        }
    }
}

fn nanoseconds(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}
