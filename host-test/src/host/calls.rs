//! Callouts: requests of a guest to other clusters, and their answers.

use super::{Host, Status};
use crate::header_map::Headers;

/// A request that the guest sent with `proxy_http_call`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callout {
    /// The token that identifies the answer.
    pub token: u32,
    /// The name of the target cluster.
    pub cluster: String,
    /// The request head as the guest wrote it.
    pub headers: Headers,
    /// The request body.
    pub body: Vec<u8>,
    /// The request trailers.
    pub trailers: Headers,
    /// The timeout of the whole call in milliseconds; 0 is no timeout.
    pub timeout_ms: u32,
    /// The context that the call was sent from. The SDK drops the answer once that context is deleted.
    pub context: u32,
    /// The time at which it was sent, on the monotonic clock, in milliseconds.
    pub sent_ms: u64,
    /// The state of the callout.
    pub state: CallState,
}

/// The state of a callout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallState {
    /// There is no answer yet.
    InFlight,
    /// The guest was called with an answer, or with the notice that there is none.
    Answered,
    /// The proxy dropped it without a callback, as it does when a plugin is reloaded.
    Cancelled,
}

/// An answer to a callout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallAnswer {
    /// The response head; `None` for an answer that was lost: the guest sees 0 headers and no map at all.
    pub headers: Option<Headers>,
    /// The response body.
    pub body: Vec<u8>,
    /// The response trailers.
    pub trailers: Headers,
}

impl CallAnswer {
    /// Returns an answer from a real upstream.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let headers = Headers::response(status)
            .with("content-length", body.len().to_string())
            .with("x-envoy-upstream-service-time", "1");
        Self { headers: Some(headers), body, trailers: Headers::new() }
    }

    /// Returns the proxy's answer if the upstream cannot be reached or resets.
    pub fn refused() -> Self {
        Self::local(
            503,
            "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
        )
    }

    /// Returns the proxy's answer if the timeout expires.
    pub fn timeout() -> Self {
        Self::local(504, "upstream request timeout")
    }

    /// Returns an answer over the proxy's size limit, of which the guest sees 0 headers and no map.
    pub fn lost() -> Self {
        Self { headers: None, body: Vec::new(), trailers: Headers::new() }
    }

    /// Returns this answer with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.get_or_insert_default().add(name, value);
        self
    }

    pub(super) fn trailers(&self) -> Option<&Headers> {
        self.headers.as_ref().map(|_| &self.trailers)
    }

    fn local(status: u16, body: &str) -> Self {
        let headers = Headers::response(status)
            .with("content-length", body.len().to_string())
            .with("content-type", "text/plain");
        Self { headers: Some(headers), body: body.into(), trailers: Headers::new() }
    }
}

impl Host {
    /// Returns the callouts without an answer.
    pub fn in_flight(&self) -> impl Iterator<Item = &Callout> {
        self.callouts.iter().filter(|call| call.state == CallState::InFlight)
    }

    pub(crate) fn http_call(
        &mut self,
        cluster: Vec<u8>,
        headers: Headers,
        body: Vec<u8>,
        trailers: Headers,
        timeout_ms: u32,
    ) -> Result<u32, Status> {
        let cluster = String::from_utf8_lossy(&cluster).into_owned();
        let mandatory = [":method", ":path", ":authority"];
        if self.unknown_clusters.contains(&cluster)
            || mandatory.iter().any(|name| headers.get(name).is_none())
            || timeout_ms > i32::MAX.unsigned_abs()
        {
            return Err(Status::BadArgument);
        }
        if self.failing_clusters.contains(&cluster) {
            return Err(Status::InternalFailure);
        }
        let last = self.callouts.last().map_or(0, |call| call.token);
        let (context, sent_ms) = (self.context_id(), self.proxy_state().now_ms());
        self.callouts.push(Callout {
            token: last + 1,
            cluster,
            headers,
            body,
            trailers,
            timeout_ms,
            context,
            sent_ms,
            state: CallState::InFlight,
        });
        Ok(last + 1)
    }

    /// Marks a callout as ended. Returns `false` if none is in flight with this token.
    pub(crate) fn close_callout(&mut self, token: u32, state: CallState) -> bool {
        let mut calls = self.callouts.iter_mut();
        let found = calls.find(|call| call.token == token && call.state == CallState::InFlight);
        let Some(call) = found else {
            return false;
        };
        call.state = state;
        true
    }
}
