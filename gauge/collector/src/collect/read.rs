//! Converts OTLP messages to rows. Items that cannot be a row are counted, with the first reasons; the rest is stored.

mod attributes;
mod evaluations;
mod spans;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hyper::header::HeaderValue;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde::de::DeserializeOwned;

use crate::store::{Batch, Id};

/// The time that a sender's clock may be ahead of ours before it causes a warning.
const AHEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Maximum number of reasons that are reported for a request.
const REASONS_MAX: usize = 3;

/// The kind of items in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Logs,
}

/// The encoding of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

/// The rows in a request.
#[derive(Debug, Default)]
pub(super) struct DecodedRequest {
    pub batch: Batch,
    pub rejected: RejectedItems,
}

/// The rejected items of a request.
#[derive(Debug, Default)]
pub(super) struct RejectedItems {
    pub count: u64,
    reasons: Vec<String>,
    /// The number of times that are ahead of this machine's clock.
    ahead: u64,
}

impl Encoding {
    /// Returns the encoding of a `content-type`, whose parameters are ignored; `None` if it is unknown.
    pub(super) fn of(content_type: Option<&HeaderValue>) -> Option<Self> {
        let name = content_type?.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase();
        match name.as_str() {
            "application/x-protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    fn decode<M: Message + Default + DeserializeOwned>(self, body: &[u8]) -> Result<M, String> {
        match self {
            Self::Protobuf => {
                M::decode(body).map_err(|error| format!("the body is not OTLP in protobuf: {error}"))
            }
            // serde would accept a list for a message, and an empty list for an empty message.
            Self::Json if body.trim_ascii_start().first() != Some(&b'{') => {
                Err("the body is not OTLP in JSON: expected an object".to_owned())
            }
            Self::Json => {
                serde_json::from_slice(body).map_err(|error| format!("the body is not OTLP in JSON: {error}"))
            }
        }
    }
}

impl RejectedItems {
    pub(super) fn add(&mut self, reason: &str) {
        self.count += 1;
        if self.reasons.len() < REASONS_MAX {
            self.reasons.push(reason.to_owned());
        }
    }

    /// Returns the message for the sender; empty if nothing was rejected.
    pub(super) fn message(&self) -> String {
        let mut words = self.reasons.clone();
        let untold = self.count.saturating_sub(u64::try_from(words.len()).unwrap_or_default());
        if untold > 0 {
            words.push(format!("and {untold} more"));
        }
        if self.ahead > 0 {
            words.push(format!("{} stored, but more than a day ahead of the collector's clock", self.ahead));
        }
        words.join("; ")
    }

    /// Converts nanoseconds to those of a row.
    fn time(&mut self, ns: u64, now_ns: i64) -> Result<i64, String> {
        let ns = i64::try_from(ns).map_err(|_| "its time is after the year 2262".to_owned())?;
        let ahead = ns.saturating_sub(now_ns);
        if i128::from(ahead) > i128::try_from(AHEAD_MAX.as_nanos()).unwrap_or(i128::MAX) {
            self.ahead += 1;
        }
        Ok(ns)
    }
}

/// Reads a request. With `keeps_request`, it is kept for forwarding, without the spans that are rejected.
pub(super) fn read(
    signal: Signal,
    encoding: Encoding,
    body: Bytes,
    keeps_request: bool,
) -> Result<DecodedRequest, String> {
    let (mut found, now_ns) = (DecodedRequest::default(), now_ns());
    match signal {
        Signal::Traces => {
            let mut request: ExportTraceServiceRequest = encoding.decode(&body)?;
            found.batch.spans = spans::rows(&mut request, &mut found.rejected, now_ns);
            let is_as_it_came = encoding == Encoding::Protobuf && found.rejected.count == 0;
            if keeps_request {
                found.batch.request = if is_as_it_came { body.into() } else { request.encode_to_vec() };
            }
        }
        Signal::Logs => {
            let request: ExportLogsServiceRequest = encoding.decode(&body)?;
            found.batch.evaluations = evaluations::rows(request, &mut found.rejected, now_ns);
        }
    }
    Ok(found)
}

/// Returns the name of each row of a batch, for messages about conflicts.
pub(super) fn names(batch: &Batch) -> Vec<String> {
    let spans = batch.spans.iter().map(|span| format!("span {}", span.span_id));
    spans.chain(batch.evaluations.iter().map(|evaluation| format!("event {}", evaluation.uid))).collect()
}

/// Returns the current time as rows store it.
pub(super) fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Checks an id: it has to have the right length and must not be all zero.
fn id<const BYTES: usize>(bytes: &[u8], name: &str) -> Result<Id<BYTES>, String> {
    match <[u8; BYTES]>::try_from(bytes) {
        Ok(id) if id != [0; BYTES] => Ok(Id(id)),
        Ok(_) => Err(format!("its {name} is all zero")),
        Err(_) => Err(format!("its {name} has {} bytes, expected {BYTES}", bytes.len())),
    }
}
