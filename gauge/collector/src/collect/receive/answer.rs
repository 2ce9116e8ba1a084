//! Responses to senders, in the encoding of the request.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::json;

use super::super::read::{Encoding, RejectedItems, Signal};
use super::RETRY_AFTER_SECONDS;

/// A response.
#[derive(Debug)]
pub(super) enum Reply {
    /// The batch is on the disk.
    Stored { signal: Signal, rejected: RejectedItems },
    /// The batch is refused.
    Refused(Refusal),
}

/// A refusal with its status.
#[derive(Debug)]
pub(in super::super) struct Refusal {
    status: StatusCode,
    message: String,
}

/// `google.rpc.Status`, which OTLP requires as the body of a refusal. No package of OTLP messages includes it.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Status {
    /// The status code of gRPC.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// The message for people.
    #[prost(string, tag = "2")]
    pub message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(super) fn unknown_path(path: &str) -> Self {
        let words =
            format!("unknown path {path}: expected /v1/traces for spans, /v1/logs for scores and feedback");
        Self::new(StatusCode::NOT_FOUND, words)
    }

    pub(super) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "expected POST")
    }

    pub(super) fn content_type() -> Self {
        let words = "content-type: expected application/x-protobuf or application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, words)
    }

    pub(super) fn content_encoding() -> Self {
        let words = "content-encoding: expected gzip or none";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, words)
    }

    pub(super) fn too_large(bytes_max: usize) -> Self {
        let words = format!("the body is larger than {bytes_max} bytes: send smaller batches");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, words)
    }

    pub(super) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "the body was not received in time")
    }

    pub(in super::super) fn foreign_host(name: &str) -> Self {
        let words = format!(
            "host: expected an IP address, localhost, a name without dots or one of --allow-host, got `{name}`: \
             start the collector with --allow-host {name}, or set the sender's `telemetry.authority`"
        );
        Self::new(StatusCode::MISDIRECTED_REQUEST, words)
    }

    pub(in super::super) fn foreign_origin(origin: &str) -> Self {
        let words = format!(
            "origin: expected none, got `{origin}`: the pages of other sites may not send to the collector"
        );
        Self::new(StatusCode::FORBIDDEN, words)
    }

    #[cfg(test)]
    pub(in super::super) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    #[cfg(test)]
    pub(in super::super) fn message(&self) -> &str {
        &self.message
    }

    pub(in super::super) fn bad(words: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, words)
    }

    pub(super) fn unavailable(words: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, words)
    }

    /// Whether the same request may be accepted later.
    pub(super) fn is_for_now(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    /// Returns the gRPC code of the status.
    fn code(&self) -> i32 {
        match self.status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => 12, // unimplemented
            StatusCode::PAYLOAD_TOO_LARGE => 8,                           // resource exhausted
            StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST => 7, // permission denied
            StatusCode::REQUEST_TIMEOUT => 4,                             // deadline exceeded
            StatusCode::SERVICE_UNAVAILABLE => 14,                        // unavailable
            _ => 3,                                                       // invalid argument
        }
    }
}

impl Reply {
    pub(super) fn response(self, encoding: Encoding) -> Response<Full<Bytes>> {
        let (status, body) = match &self {
            Self::Stored { signal, rejected } => (StatusCode::OK, kept(*signal, rejected, encoding)),
            Self::Refused(refusal) => {
                let (code, message) = (refusal.code(), refusal.message.clone());
                let body = match encoding {
                    Encoding::Json => json!({"code": code, "message": message}).to_string().into_bytes(),
                    Encoding::Protobuf => Status { code, message }.encode_to_vec(),
                };
                (refusal.status, body)
            }
        };
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = status;
        let mut header = |name: HeaderName, value| drop(response.headers_mut().insert(name, value));
        header(CONTENT_TYPE, HeaderValue::from_static(encoding.content_type()));
        match status {
            StatusCode::METHOD_NOT_ALLOWED => header(ALLOW, HeaderValue::from_static("POST")),
            StatusCode::SERVICE_UNAVAILABLE => header(RETRY_AFTER, RETRY_AFTER_SECONDS.into()),
            _ => {}
        }
        response
    }
}

/// Returns the body of a success: an empty message, or a partial success with rejected items or a warning.
fn kept(signal: Signal, rejected: &RejectedItems, encoding: Encoding) -> Vec<u8> {
    let error_message = rejected.message();
    let is_full = error_message.is_empty();
    let count = i64::try_from(rejected.count).unwrap_or(i64::MAX);
    match (encoding, signal) {
        (Encoding::Json, _) if is_full => b"{}".to_vec(),
        // 64-bit numbers are strings in protobuf's JSON.
        (Encoding::Json, Signal::Traces) => {
            let partial = json!({"rejectedSpans": count.to_string(), "errorMessage": error_message});
            json!({"partialSuccess": partial}).to_string().into_bytes()
        }
        (Encoding::Json, Signal::Logs) => {
            let partial = json!({"rejectedLogRecords": count.to_string(), "errorMessage": error_message});
            json!({"partialSuccess": partial}).to_string().into_bytes()
        }
        (Encoding::Protobuf, Signal::Traces) => {
            let partial = ExportTracePartialSuccess { rejected_spans: count, error_message };
            ExportTraceServiceResponse { partial_success: (!is_full).then_some(partial) }.encode_to_vec()
        }
        (Encoding::Protobuf, Signal::Logs) => {
            let partial = ExportLogsPartialSuccess { rejected_log_records: count, error_message };
            ExportLogsServiceResponse { partial_success: (!is_full).then_some(partial) }.encode_to_vec()
        }
    }
}
