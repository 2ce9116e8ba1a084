//! A receiver of spans and events that reads them by OpenTelemetry's official definitions, and everything that one can
//! do wrong.
//!
//! It takes nothing on trust: what it decoded has to be the same bytes again when it is encoded, so no field of ours is
//! one that the definitions do not know.

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

pub use serve::{Manner, Receiver};

/// What requests carried.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Received {
    /// Spans, in their order.
    pub spans: Vec<Span>,
    /// Events, in their order.
    pub events: Vec<LogRecord>,
    /// The resource's attributes.
    pub resource: Values,
    /// The scope's name and version.
    pub scope: (String, String),
}

/// Attributes by name.
pub type Values = BTreeMap<String, Value>;

impl Received {
    /// Reads a request. `header` looks a header up by its name in lower case; `:method` and `:path` are among them.
    pub fn read<'h>(header: impl Fn(&str) -> Option<&'h str>, body: &[u8]) -> Result<Self> {
        let text = |name: &str| header(name).unwrap_or_default().to_owned();
        ensure!(text(":method") == "POST", "{} is no POST", text(":method"));
        ensure!(text("x-llm-gauge") == "internal", "the mark of our own calls is missing");
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
            bail!("nobody sends to {path}")
        }
    }

    /// What another request carried, behind this one's.
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

/// Reads a message in either form.
fn decode<M: Message + Default + DeserializeOwned + Serialize>(content_type: &str, body: &[u8]) -> Result<M> {
    match content_type {
        "application/x-protobuf" => {
            let message = M::decode(body).context("no message")?;
            ensure!(message.encode_to_vec() == body, "there are bytes that the definitions do not know");
            Ok(message)
        }
        "application/json" => {
            let message: M = serde_json::from_slice(body).context("no message in JSON")?;
            let (ours, theirs) = (serde_json::from_slice(body)?, serde_json::to_value(&message)?);
            covers(&theirs, &ours)?;
            Ok(message)
        }
        other => bail!("content-type {other}"),
    }
}

/// Everything that we wrote is what they would write; they also write what is not there.
fn covers(theirs: &Value, ours: &Value) -> Result<()> {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (key, value) in ours {
                let known = theirs.get(key).with_context(|| format!("nobody knows the key {key}"))?;
                covers(known, value).with_context(|| key.clone())?;
            }
            Ok(())
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            ensure!(theirs.len() == ours.len(), "{} of {} items", theirs.len(), ours.len());
            theirs.iter().zip(ours).try_for_each(|(theirs, ours)| covers(theirs, ours))
        }
        (theirs, ours) => {
            ensure!(theirs == ours, "{theirs}, not {ours}");
            Ok(())
        }
    }
}

fn unzip(body: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut plain).context("no gzip")?;
    Ok(plain)
}

/// Attributes as JSON; none may be there twice.
#[must_use]
pub fn values(attributes: &[KeyValue]) -> Values {
    let pairs = attributes.iter().map(|pair| (pair.key.clone(), value(pair.value.as_ref())));
    let values: Values = pairs.collect();
    assert_eq!(values.len(), attributes.len(), "an attribute stands there twice: {attributes:?}");
    values
}

fn value(any: Option<&AnyValue>) -> Value {
    match any.and_then(|any| any.value.as_ref()) {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::BoolValue(is)) => json!(is),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::DoubleValue(number)) => json!(number),
        Some(Any::ArrayValue(list)) => list.values.iter().map(|any| value(Some(any))).collect(),
        other => panic!("nothing of ours has a value like {other:?}"),
    }
}

/// An id as it is shown.
#[must_use]
pub fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
