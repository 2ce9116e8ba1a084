//! One HTTP stream as the host calls of a guest see it.

use std::collections::BTreeMap;

use super::properties::{Phase, PropertyPath};
use crate::header_map::Headers;

/// Which way bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the upstream.
    Request,
    /// From the upstream to the client.
    Response,
}

/// A stream, as long as it is under way.
#[derive(Debug)]
pub struct StreamState {
    /// The request.
    pub request: Side,
    /// The response.
    pub response: Side,
    /// Filter state that `set_property` made, under its full name: `wasm.` and the path.
    pub filter_state: BTreeMap<String, Vec<u8>>,
    /// Local responses the guest sent, in order. Only the first takes effect.
    pub local_responses: Vec<LocalResponse>,
    /// Whether an edit of the request head made the proxy select the route anew.
    pub route_cache_cleared: bool,
    /// Where the stream stands.
    pub phase: Phase,
    /// What the proxy knows of the stream.
    pub properties: BTreeMap<PropertyPath, Vec<u8>>,
    /// What the test says instead.
    pub overrides: BTreeMap<PropertyPath, Vec<u8>>,
}

/// One way of a stream: what is there of it, and what of that can be reached.
///
/// A map can be reached while its callback runs, and for as long as that callback holds it back.
#[derive(Debug, Default)]
pub struct Side {
    /// The head, as edited so far.
    pub headers: Option<Headers>,
    /// The trailers, as edited so far.
    pub trailers: Option<Headers>,
    /// The body a guest can read and edit: the chunk at hand, or all that is held back.
    pub buffer: Option<Vec<u8>>,
    pub(crate) headers_open: bool,
    pub(crate) trailers_open: bool,
}

/// A response a guest made itself with `proxy_send_local_response`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalResponse {
    /// Its status.
    pub status: u32,
    /// Its headers, as the guest wrote them.
    pub headers: Headers,
    /// Its body.
    pub body: Vec<u8>,
    /// Why, for access logs: empty from the Rust SDK.
    pub details: String,
    /// A gRPC status, or -1.
    pub grpc_status: i32,
}

impl Way {
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

    /// One way of the stream.
    pub fn side(&self, way: Way) -> &Side {
        match way {
            Way::Request => &self.request,
            Way::Response => &self.response,
        }
    }

    pub(crate) fn side_mut(&mut self, way: Way) -> &mut Side {
        match way {
            Way::Request => &mut self.request,
            Way::Response => &mut self.response,
        }
    }

    /// The head a guest can read now: while it is open, and again in the log phase.
    pub fn readable_headers(&self, way: Way) -> Option<&Headers> {
        let side = self.side(way);
        let readable = side.headers_open || self.phase == Phase::Log;
        side.headers.as_ref().filter(|_| readable)
    }

    /// The trailers a guest can read now. In the log phase only those of the response are back.
    pub fn readable_trailers(&self, way: Way) -> Option<&Headers> {
        let side = self.side(way);
        let readable = match self.phase {
            Phase::Log => way == Way::Response,
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

    /// Takes everything out of a guest's reach.
    pub(crate) fn close(&mut self) {
        self.headers_open = false;
        self.trailers_open = false;
        self.buffer = None;
    }
}
