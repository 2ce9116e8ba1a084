//! Callouts: what a guest sends to other clusters, and what comes back.

use super::{Host, Status};
use crate::header_map::Headers;

/// A request the guest sent with `proxy_http_call`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callout {
    /// What the answer is matched by.
    pub token: u32,
    /// The cluster it goes to.
    pub cluster: String,
    /// Its head, as the guest wrote it.
    pub headers: Headers,
    /// Its body.
    pub body: Vec<u8>,
    /// Its trailers.
    pub trailers: Headers,
    /// How long the whole call may take; 0 is for ever.
    pub timeout_ms: u32,
    /// The context it was sent from. The SDK drops the answer once that context is gone.
    pub context: u32,
    /// When it was sent, on the monotonic clock.
    pub sent_ms: u64,
    /// What became of it.
    pub state: CallState,
}

/// What became of a callout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallState {
    /// No answer yet.
    InFlight,
    /// The guest was called with an answer, or with the news that there is none.
    Answered,
    /// The proxy dropped it without a word, as it does when a plugin is reloaded.
    Cancelled,
}

/// An answer to a callout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallAnswer {
    /// Its head. `None` is an answer that was lost: the guest sees 0 headers and no map at all.
    pub headers: Option<Headers>,
    /// Its body.
    pub body: Vec<u8>,
    /// Its trailers.
    pub trailers: Headers,
}

impl CallAnswer {
    /// An answer from a real upstream.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let headers = Headers::response(status)
            .with("content-length", body.len().to_string())
            .with("x-envoy-upstream-service-time", "1");
        Self { headers: Some(headers), body, trailers: Headers::new() }
    }

    /// What the proxy answers when the upstream cannot be reached or resets.
    pub fn refused() -> Self {
        Self::local(
            503,
            "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
        )
    }

    /// What the proxy answers when the time is up.
    pub fn timeout() -> Self {
        Self::local(504, "upstream request timeout")
    }

    /// What the guest sees of an answer over the proxy's size limit: 0 headers, and no map to read.
    pub fn lost() -> Self {
        Self { headers: None, body: Vec::new(), trailers: Headers::new() }
    }

    /// This answer with one more header.
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
    /// The callouts without an answer.
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

    /// Marks a callout as over. `false` if there is none in flight with this token.
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
