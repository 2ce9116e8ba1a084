//! Telemetry: a record becomes a span, spans and scores become OTLP batches, and batches are exported.
//!
//! The settings here, which [`config`](crate::config) compiles, say where spans and events are sent and what of an exchange
//! they carry.

mod export;
pub mod otlp;
pub(crate) mod redact;
mod span;

use std::borrow::Cow;

pub use export::Exporter;
pub(crate) use export::dropped;
pub use redact::Redactor;
pub(crate) use redact::{Redaction, names as redaction_names};
pub use span::{SpanContext, exchange_span};

use otlp::{Attribute, Encoding, Signal, Value};

/// Where spans and events are sent.
pub struct TelemetryPlan {
    pub(crate) cluster: String,
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) encoding: Encoding,
    pub(crate) wants_gzip: bool,
    pub(crate) timeout_ms: u64,
    pub(crate) batch: Batch,
    /// Attributes by OpenTelemetry's conventions.
    pub(crate) has_gen_ai: bool,
    /// Attributes by OpenInference's.
    pub(crate) has_openinference: bool,
    pub(crate) content: Content,
    /// Spans have no parent, for stores that wait for one that never comes.
    pub(crate) has_root_spans: bool,
    pub(crate) has_spans: bool,
    pub(crate) has_events: bool,
    pub(crate) resource: Vec<Attribute>,
}

/// When a batch is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Items in one.
    pub(crate) items_max: usize,
    /// Bytes of its items.
    pub(crate) bytes_max: usize,
    /// The longest that an item waits for others.
    pub(crate) interval_ms: u64,
}

/// Whose texts may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nobody's.
    None,
    /// Of exchanges that are judged.
    Sampled,
    /// Of all.
    All,
}

/// Shows the cluster alone: the headers may hold secrets.
impl core::fmt::Debug for TelemetryPlan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.cluster)
    }
}

impl TelemetryPlan {
    /// Whose texts may leave.
    pub fn content(&self) -> Content {
        self.content
    }

    /// Whether these are wanted.
    pub fn takes(&self, signal: Signal) -> bool {
        match signal {
            Signal::Spans => self.has_spans,
            Signal::Events => self.has_events,
        }
    }

    /// Where these go.
    pub(crate) fn path(&self, signal: Signal) -> String {
        let end = match signal {
            Signal::Spans => "/v1/traces",
            Signal::Events => "/v1/logs",
        };
        [self.path.as_str(), end].concat()
    }
}

/// Returns the attributes that name the metered service.
pub(crate) fn resource(service: &str, has_openinference: bool) -> Vec<Attribute> {
    let mut names = vec!["service.name"];
    if has_openinference {
        names.push("openinference.project.name");
    }
    names.into_iter().map(|name| (Cow::Borrowed(name), Value::Text(service.to_owned()))).collect()
}

#[cfg(test)]
mod tests;
