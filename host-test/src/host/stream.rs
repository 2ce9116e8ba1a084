//! One HTTP stream as the host calls of a guest see it.

use std::collections::BTreeMap;

use super::properties::{Phase, PropertyPath};
use crate::header_map::Headers;

/// The direction in which bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the upstream.
    Request,
    /// From the upstream to the client.
    Response,
}

/// The state of an open stream.
#[derive(Debug)]
pub struct StreamState {
    /// The request.
    pub request: Side,
    /// The response.
    pub response: Side,
    /// Filter state that `set_property` set, under its full name: `wasm.` and the path.
    pub filter_state: BTreeMap<String, Vec<u8>>,
    /// Local responses that the guest sent, in order. Only the first takes effect.
    pub local_responses: Vec<LocalResponse>,
    /// Whether an edit of the request head made the proxy select the route again.
    pub route_cache_cleared: bool,
    /// The phase of the stream.
    pub phase: Phase,
    /// Properties that the proxy knows of the stream.
    pub properties: BTreeMap<PropertyPath, Vec<u8>>,
    /// Values of the test, which replace those of the proxy.
    pub overrides: BTreeMap<PropertyPath, Vec<u8>>,
}

/// One direction of a stream: its parts, and which of them the guest can reach.
///
/// A map can be reached while its callback runs, and as long as that callback holds it.
#[derive(Debug, Default)]
pub struct Side {
    /// The head as edited so far; `None` until it arrives.
    pub headers: Option<Headers>,
    /// The trailers as edited so far; `None` until they arrive, or if there are none.
    pub trailers: Option<Headers>,
    /// The body that a guest can read and edit: the current chunk, or everything that is held. `None` outside a body
    /// callback.
    pub buffer: Option<Vec<u8>>,
    pub(crate) headers_open: bool,
    pub(crate) trailers_open: bool,
}

/// A response that a guest sent with `proxy_send_local_response`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalResponse {
    /// The HTTP status.
    pub status: u32,
    /// The headers as the guest wrote them.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
    /// The details for access logs, which the Rust SDK leaves empty.
    pub details: String,
    /// The gRPC status; -1 if there is none.
    pub grpc_status: i32,
}

impl Direction {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Request),
            1 => Some(Self::Response),
            _ => None,
        }
    }
}

impl StreamState {
    pub(crate) fn new() -> Self {
        Self {
            request: Side::default(),
            response: Side::default(),
            filter_state: BTreeMap::new(),
            local_responses: Vec::new(),
            route_cache_cleared: false,
            phase: Phase::Request,
            properties: BTreeMap::new(),
            overrides: BTreeMap::new(),
        }
    }

    /// Returns one direction of the stream.
    pub fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }

    pub(crate) fn side_mut(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }

    /// Returns the head that a guest can read now: while its callback holds it, and again in the log phase.
    pub fn readable_headers(&self, direction: Direction) -> Option<&Headers> {
        let side = self.side(direction);
        let readable = side.headers_open || self.phase == Phase::Log;
        side.headers.as_ref().filter(|_| readable)
    }

    /// Returns the trailers that a guest can read now. In the log phase only those of the response are readable.
    pub fn readable_trailers(&self, direction: Direction) -> Option<&Headers> {
        let side = self.side(direction);
        let readable = match self.phase {
            Phase::Log => direction == Direction::Response,
            _ => side.trailers_open,
        };
        side.trailers.as_ref().filter(|_| readable)
    }

    pub(crate) fn set(&mut self, path: &str, value: Vec<u8>) {
        self.properties.insert(PropertyPath::from(path), value);
    }

    pub(crate) fn unset(&mut self, path: &str) {
        self.properties.remove(&PropertyPath::from(path));
    }
}

impl Side {
    pub(crate) fn open_headers_mut(&mut self) -> Option<&mut Headers> {
        self.headers.as_mut().filter(|_| self.headers_open)
    }

    pub(crate) fn open_trailers_mut(&mut self) -> Option<&mut Headers> {
        self.trailers.as_mut().filter(|_| self.trailers_open)
    }

    /// Makes everything unreachable for the guest.
    pub(crate) fn close(&mut self) {
        self.headers_open = false;
        self.trailers_open = false;
        self.buffer = None;
    }
}
