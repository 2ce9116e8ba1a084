//! A receiver of spans and events that decodes them by OpenTelemetry's official definitions, and that can misbehave
//! like a real one.
//!
//! It checks the encoding strictly: a decoded message has to encode to the same bytes again, so no field is unknown to
//! the definitions.

mod serve;

use std::collections::BTreeMap;
use std::io::Read as _;

use anyhow::{Context as _, Result, bail, ensure};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use serve::{Receiver, ReceiverBehaviour};

/// The contents of requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceivedTelemetry {
    /// Spans in their order.
    pub spans: Vec<Span>,
    /// Events in their order.
    pub events: Vec<LogRecord>,
    /// Attributes of the resource.
    pub resource: AttributeMap,
    /// The scope's name and version.
    pub scope: (String, String),
}

/// The number of characters of the filter's mark: a time and a signature.
const MARK_CHARS: usize = 41;

/// Attributes by name.
pub type AttributeMap = BTreeMap<String, Value>;

impl ReceivedTelemetry {
    /// Reads a request. `header` returns a header by its name in lower case; `:method` and `:path` are among them.
    pub fn read<'h>(header: impl Fn(&str) -> Option<&'h str>, body: &[u8]) -> Result<Self> {
        let text = |name: &str| header(name).unwrap_or_default().to_owned();
        ensure!(text(":method") == "POST", "expected the method POST, got {}", text(":method"));
        ensure!(
            text("x-llm-gauge").len() == MARK_CHARS,
            "the header x-llm-gauge that marks the filter's own calls is missing"
        );
        let body = match text("content-encoding").as_str() {
            "" => body.to_vec(),
            "gzip" => unzip(body)?,
            other => bail!("content-encoding {other}"),
        };
        let (path, content_type) = (text(":path"), text("content-type"));
        if path.ends_with("/v1/traces") {
            Ok(Self::spans(&decode::<ExportTraceServiceRequest>(&content_type, &body)?))
        } else if path.ends_with("/v1/logs") {
            Ok(Self::events(&decode::<ExportLogsServiceRequest>(&content_type, &body)?))
        } else {
            bail!("unknown path {path}")
        }
    }

    /// Appends the contents of another request.
    pub fn add(&mut self, other: Self) {
        self.spans.extend(other.spans);
        self.events.extend(other.events);
        self.resource = other.resource;
        self.scope = other.scope;
    }

    fn spans(request: &ExportTraceServiceRequest) -> Self {
        let mut received = Self::default();
        for resource in &request.resource_spans {
            received.resource =
                resource.resource.as_ref().map(|it| values(&it.attributes)).unwrap_or_default();
            for of_scope in &resource.scope_spans {
                let scope = of_scope.scope.clone().unwrap_or_default();
                received.scope = (scope.name, scope.version);
                received.spans.extend(of_scope.spans.iter().cloned());
            }
        }
        received
    }

    fn events(request: &ExportLogsServiceRequest) -> Self {
        let mut received = Self::default();
        for resource in &request.resource_logs {
            received.resource =
                resource.resource.as_ref().map(|it| values(&it.attributes)).unwrap_or_default();
            for of_scope in &resource.scope_logs {
                let scope = of_scope.scope.clone().unwrap_or_default();
                received.scope = (scope.name, scope.version);
                received.events.extend(of_scope.log_records.iter().cloned());
            }
        }
        received
    }
}

/// Decodes a message in protobuf or JSON.
fn decode<M: Message + Default + DeserializeOwned + Serialize>(content_type: &str, body: &[u8]) -> Result<M> {
    match content_type {
        "application/x-protobuf" => {
            let message = M::decode(body).context("no message")?;
            ensure!(message.encode_to_vec() == body, "the body has bytes that the definitions do not know");
            Ok(message)
        }
        "application/json" => {
            let message: M = serde_json::from_slice(body).context("the body is not a message in JSON")?;
            let (ours, theirs) = (serde_json::from_slice(body)?, serde_json::to_value(&message)?);
            covers(&theirs, &ours)?;
            Ok(message)
        }
        other => bail!("unknown content-type {other}"),
    }
}

/// Checks that our JSON is a part of the JSON of the official encoder, which also writes default values.
fn covers(theirs: &Value, ours: &Value) -> Result<()> {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (key, value) in ours {
                let known = theirs.get(key).with_context(|| format!("unknown key {key}"))?;
                covers(known, value).with_context(|| key.clone())?;
            }
            Ok(())
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            ensure!(theirs.len() == ours.len(), "expected {} items, got {}", theirs.len(), ours.len());
            theirs.iter().zip(ours).try_for_each(|(theirs, ours)| covers(theirs, ours))
        }
        (theirs, ours) => {
            ensure!(theirs == ours, "expected {theirs}, got {ours}");
            Ok(())
        }
    }
}

fn unzip(body: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut plain).context("no gzip")?;
    Ok(plain)
}

/// Returns attributes as JSON. Panics if an attribute occurs twice.
#[must_use]
pub fn values(attributes: &[KeyValue]) -> AttributeMap {
    let pairs = attributes.iter().map(|pair| (pair.key.clone(), value(pair.value.as_ref())));
    let values: AttributeMap = pairs.collect();
    assert_eq!(values.len(), attributes.len(), "an attribute occurs twice: {attributes:?}");
    values
}

fn value(any: Option<&AnyValue>) -> Value {
    match any.and_then(|any| any.value.as_ref()) {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::BoolValue(is)) => json!(is),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::DoubleValue(number)) => json!(number),
        Some(Any::ArrayValue(list)) => list.values.iter().map(|any| value(Some(any))).collect(),
        other => panic!("the filter sends no value like {other:?}"),
    }
}

/// Returns an id in hexadecimal digits.
#[must_use]
pub fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
