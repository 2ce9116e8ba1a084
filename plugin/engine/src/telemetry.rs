//! Telemetry: a record becomes a span, spans and scores become OTLP batches, and batches are exported.
//!
//! The settings here, which [`config`](crate::config) compiles, determine where spans and events are sent and which
//! parts of an exchange they contain.

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

/// The settings of the export of spans and events.
pub struct TelemetryPlan {
    pub(crate) cluster: String,
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) encoding: Encoding,
    pub(crate) wants_gzip: bool,
    pub(crate) timeout_ms: u64,
    pub(crate) batch: BatchLimits,
    /// Whether spans have the attributes of OpenTelemetry's conventions for generative AI.
    pub(crate) has_gen_ai: bool,
    /// Whether spans have the attributes of OpenInference's conventions.
    pub(crate) has_openinference: bool,
    pub(crate) content: Content,
    /// Whether spans have no parent, for stores that wait for a parent which never arrives.
    pub(crate) has_root_spans: bool,
    pub(crate) has_spans: bool,
    pub(crate) has_events: bool,
    pub(crate) resource: Vec<Attribute>,
}

/// The limits of a batch: it is sent when one of them is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchLimits {
    /// The number of items in a batch.
    pub(crate) items_max: usize,
    /// The number of bytes of the items in a batch.
    pub(crate) bytes_max: usize,
    /// The longest time in milliseconds that an item waits for its batch.
    pub(crate) interval_ms: u64,
}

/// The exchanges whose texts are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// No exchanges.
    None,
    /// The exchanges that are judged.
    Sampled,
    /// All exchanges.
    All,
}

/// Writes the cluster only, since the headers may hold secrets.
impl core::fmt::Debug for TelemetryPlan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.cluster)
    }
}

impl TelemetryPlan {
    /// Returns the exchanges whose texts are exported.
    pub fn content(&self) -> Content {
        self.content
    }

    /// Returns whether the signal is exported.
    pub fn takes(&self, signal: Signal) -> bool {
        match signal {
            Signal::Spans => self.has_spans,
            Signal::Events => self.has_events,
        }
    }

    /// Returns the path of the receiver for the signal.
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
