//! OpenTelemetry's protocol as far as we speak it: spans, log records, and the requests that carry them.
//!
//! A dozen messages, so they are written by hand: each item is put into bytes once, when it comes, and a request is
//! their concatenation between a beginning and an end. A message library would hold every item as a tree until it
//! leaves, and weigh more.

mod json;
mod protobuf;

use std::borrow::Cow;

/// A value with its name.
pub type Attribute = (Cow<'static, str>, Value);

/// What a value can be.
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
    /// A number.
    Double(f64),
}

/// A span of a client; its times count from when it is put into bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// Trace id.
    pub trace: [u8; 16],
    /// Span id.
    pub id: [u8; 8],
    /// The parent's span id.
    pub parent: Option<[u8; 8]>,
    /// What it is called.
    pub name: String,
    /// How long it took.
    pub duration_ms: u64,
    /// What is known of it.
    pub attributes: Vec<Attribute>,
    /// What happened in it, and how long after its beginning.
    pub events: Vec<(&'static str, u64)>,
    /// Why it failed, if it did.
    pub failure: Option<&'static str>,
}

/// A log record that is an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What kind of event.
    pub name: &'static str,
    /// The trace that it belongs to.
    pub trace: [u8; 16],
    /// The span that it belongs to.
    pub span: [u8; 8],
    /// What is known of it.
    pub attributes: Vec<Attribute>,
}

/// What a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Spans,
    /// Log records.
    Events,
}

/// How messages are put into bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Binary.
    Protobuf,
    /// JSON.
    Json,
}

const SCOPE: &str = "llm-gauge";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `SPAN_KIND_CLIENT`
const KIND_CLIENT: u64 = 3;

/// `STATUS_CODE_ERROR`
const STATUS_ERROR: u64 = 2;

/// `SEVERITY_NUMBER_INFO`
const SEVERITY_INFO: u64 = 9;

impl Encoding {
    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// A span that ended at `end_ns` after the epoch.
    pub fn span(self, span: &Span, end_ns: u64) -> Vec<u8> {
        let start_ns = end_ns.saturating_sub(nanoseconds(span.duration_ms));
        match self {
            Self::Protobuf => protobuf::span(span, start_ns, end_ns),
            Self::Json => json::span(span, start_ns, end_ns),
        }
    }

    /// An event at `at_ns` after the epoch.
    pub fn event(self, event: &Event, at_ns: u64) -> Vec<u8> {
        match self {
            Self::Protobuf => protobuf::event(event, at_ns),
            Self::Json => json::event(event, at_ns),
        }
    }

    /// The request that carries these items, which are in this encoding, from this resource.
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
