//! The key `telemetry`, compiled: where spans and events go, and what of an exchange may go there.

mod export;
pub mod otlp;
mod redact;
mod span;

use std::borrow::Cow;

pub use export::Exporter;
pub(crate) use export::dropped;
pub use redact::Redactor;
pub use span::{SpanContext, exchange_span};

use otlp::{Attribute, Encoding, Signal, Value};

use crate::config::keys::{Keys, Refusal};
use crate::limits;
use crate::tree::Tree;

/// Where spans and events go.
pub struct Plan {
    pub(crate) cluster: String,
    pub(crate) authority: String,
    path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) encoding: Encoding,
    pub(crate) wants_gzip: bool,
    pub(crate) timeout_ms: u64,
    pub(crate) batch: Batch,
    /// Attributes by OpenTelemetry's conventions.
    pub(crate) has_gen_ai: bool,
    /// Attributes by OpenInference's.
    pub(crate) has_openinference: bool,
    content: Content,
    /// Spans have no parent, for stores that wait for one that never comes.
    pub(crate) has_root_spans: bool,
    has_spans: bool,
    has_events: bool,
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

/// Its headers may hold secrets.
impl core::fmt::Debug for Plan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.cluster)
    }
}

const KEYS: &[&str] = &[
    "cluster",
    "authority",
    "path",
    "headers",
    "encoding",
    "compression",
    "traces",
    "events",
    "attributes",
    "content",
    "root_spans",
    "batch",
    "timeout_ms",
];

impl Plan {
    /// Gives the key its meaning. `has_judge`: whether there is one whose sample can be meant.
    pub fn compile(config: &Tree, service: Option<&str>, has_judge: bool) -> Result<Self, Refusal> {
        let keys = Keys::of(config, String::new(), KEYS)?;
        let cluster = keys.required("cluster")?;
        let path = keys.text("path")?.unwrap_or("");
        if !(path.is_empty() || path.starts_with('/')) || path.ends_with('/') {
            return keys.refuse("path", "expected what stands before `/v1/traces`, such as `/api/otel`");
        }
        let encoding = choice(&keys, "encoding", &["protobuf", "json"])?;
        let attributes = choice(&keys, "attributes", &["gen_ai", "openinference", "both"])?;
        let content = choice(&keys, "content", &["none", "sampled", "all"])?;
        if content == 1 && !has_judge {
            return keys.refuse("content", "expected a `judge`, whose sample is meant, or `none` or `all`");
        }
        let (has_spans, has_events) = (keys.switch("traces", true)?, keys.switch("events", true)?);
        if !has_spans && !has_events {
            return keys.refuse("events", "expected `on` where `traces` is `off`");
        }
        let timeout_ms = keys.positive("timeout_ms", limits::TELEMETRY_TIMEOUT_MS_DEFAULT)?;
        if timeout_ms > limits::TELEMETRY_TIMEOUT_MS_MAX {
            return keys.refuse("timeout_ms", "expected a smaller number");
        }
        let has_openinference = attributes != 0;
        Ok(Self {
            cluster: cluster.to_owned(),
            authority: keys.text("authority")?.unwrap_or(cluster).to_owned(),
            path: path.to_owned(),
            headers: keys.headers()?,
            encoding: if encoding == 1 { Encoding::Json } else { Encoding::Protobuf },
            wants_gzip: choice(&keys, "compression", &["none", "gzip"])? == 1,
            timeout_ms,
            batch: batch(&keys)?,
            has_gen_ai: attributes != 1,
            has_openinference,
            content: match content {
                1 => Content::Sampled,
                2 => Content::All,
                _ => Content::None,
            },
            has_root_spans: keys.switch("root_spans", false)?,
            has_spans,
            has_events,
            resource: resource(service.unwrap_or("llm-gauge"), has_openinference),
        })
    }

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

fn resource(service: &str, has_openinference: bool) -> Vec<Attribute> {
    let mut names = vec!["service.name"];
    if has_openinference {
        names.push("openinference.project.name");
    }
    names.into_iter().map(|name| (Cow::Borrowed(name), Value::Text(service.to_owned()))).collect()
}

/// The number of the word that a key says; the first one where it says none.
fn choice(keys: &Keys<'_>, key: &str, words: &[&str]) -> Result<usize, Refusal> {
    let Some(said) = keys.text(key)? else {
        return Ok(0);
    };
    match words.iter().position(|word| *word == said) {
        Some(place) => Ok(place),
        None => keys.refuse(key, ["expected one of `", &words.join("`, `"), "`"].concat()),
    }
}

fn batch(keys: &Keys<'_>) -> Result<Batch, Refusal> {
    let empty = Tree::Object(Vec::new());
    let known = ["max_items", "max_bytes", "interval_ms"];
    let keys = Keys::of(keys.get("batch").unwrap_or(&empty), keys.path("batch"), &known)?;
    let count = |key: &str, default: usize, most: usize| {
        let number = usize::try_from(keys.positive(key, default as u64)?).unwrap_or(usize::MAX);
        if number > most {
            return keys.refuse(key, "expected a smaller number");
        }
        Ok(number)
    };
    let interval_ms = keys.positive("interval_ms", limits::TELEMETRY_INTERVAL_MS_DEFAULT)?;
    if interval_ms > limits::TELEMETRY_INTERVAL_MS_MAX {
        return keys.refuse("interval_ms", "expected a smaller number");
    }
    Ok(Batch {
        items_max: count("max_items", limits::TELEMETRY_ITEMS_DEFAULT, limits::TELEMETRY_ITEMS_MAX)?,
        bytes_max: count(
            "max_bytes",
            limits::TELEMETRY_BATCH_BYTES_DEFAULT,
            limits::TELEMETRY_QUEUE_BYTES_MAX,
        )?,
        interval_ms,
    })
}

#[cfg(test)]
mod tests;
