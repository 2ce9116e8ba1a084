//! gRPC over HTTP/2: reads one message, answers with one message and a status.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Response};

use super::{ServiceState, wire};

/// The path of the only method.
const METHOD: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// Maximum bytes of a call.
const CALL_BYTES_MAX: usize = 64 * 1024;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Status codes of gRPC.
const OK: u16 = 0;
const INVALID_ARGUMENT: u16 = 3;
const UNIMPLEMENTED: u16 = 12;

type Body = BoxBody<Bytes, Infallible>;

/// Answers one request. A request that cannot be answered gets a gRPC status in headers without a body.
pub(super) async fn answer(
    request: Request<Incoming>,
    state: Arc<ServiceState>,
) -> Result<Response<Body>, Infallible> {
    if request.uri().path() != METHOD {
        return Ok(refuse(UNIMPLEMENTED, "unknown method"));
    }
    let body = Limited::new(request.into_body(), CALL_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("reading the call: {error}"));
    let call = body.and_then(|body| wire::read_call(message_in(&body.to_bytes())?));
    Ok(match call {
        Ok(call) => accept(&wire::write_answer(&state.decide(call))),
        Err(error) => refuse(INVALID_ARGUMENT, &format!("{error:#}")),
    })
}

/// Returns the message behind its prefix: a byte for compression, and the length.
fn message_in(body: &[u8]) -> Result<&[u8]> {
    let (prefix, message) = body.split_first_chunk::<5>().context("the body ends inside a prefix")?;
    let [compressed, length @ ..] = prefix;
    ensure!(*compressed == 0, "the message is compressed");
    ensure!(
        usize::try_from(u32::from_be_bytes(*length))? == message.len(),
        "the length in the prefix is not that of the message"
    );
    Ok(message)
}

fn accept(message: &[u8]) -> Response<Body> {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    let trailers = HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from(OK))]);
    let body = Full::new(framed.freeze()).with_trailers(async { Some(Ok(trailers)) });
    response(body.boxed())
}

fn refuse(status: u16, message: &str) -> Response<Body> {
    let mut response = response(Empty::new().boxed());
    response.headers_mut().insert(GRPC_STATUS, HeaderValue::from(status));
    if let Ok(message) = HeaderValue::from_str(message) {
        response.headers_mut().insert(GRPC_MESSAGE, message);
    }
    response
}

fn response(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

#[cfg(test)]
mod tests {
    use super::message_in;

    #[test]
    fn a_message_stands_behind_its_length() {
        assert_eq!(message_in(b"\0\0\0\0\x02ab").unwrap(), b"ab");
        assert_eq!(message_in(b"\0\0\0\0\0").unwrap(), b"");
        for bad in [b"\0\0\0\0".as_slice(), b"\x01\0\0\0\x02ab", b"\0\0\0\0\x03ab", b"\0\0\0\0\x01ab"] {
            assert!(message_in(bad).is_err(), "{bad:?}");
        }
    }
}
