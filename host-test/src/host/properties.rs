//! Properties that a guest can read about the stream and the proxy, and the phases in which they exist.

use std::fmt;

use super::{Direction, Host, Status, StreamState};

/// The path of a property, its parts joined by zero bytes, as guests send it.
///
/// A path from text is split at its dots: `"response.code"`. A path from an array keeps its parts, for parts with dots.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PropertyPath(Vec<u8>);

/// The phase of a stream, which determines the properties that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// From the request head to its trailers.
    Request,
    /// From the response head to its trailers.
    Response,
    /// In `proxy_on_log`, where everything is known.
    Log,
    /// In `proxy_on_done` and `proxy_on_delete`.
    Done,
}

/// Encodes a number as the value of a property: 8 bytes, little endian.
pub fn int(number: u64) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

impl From<&str> for PropertyPath {
    fn from(dotted: &str) -> Self {
        Self(dotted.replace('.', "\0").into_bytes())
    }
}

impl<const PARTS: usize> From<[&str; PARTS]> for PropertyPath {
    fn from(parts: [&str; PARTS]) -> Self {
        Self(parts.join("\0").into_bytes())
    }
}

impl PropertyPath {
    pub(crate) fn from_guest(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the path with dots, to compare with the names in the documentation.
    fn dotted(&self) -> String {
        String::from_utf8_lossy(&self.0).replace('\0', ".")
    }
}

impl fmt::Debug for PropertyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.dotted())
    }
}

impl Host {
    pub(crate) fn property(&self, path: &PropertyPath) -> Result<Vec<u8>, Status> {
        if path.dotted() == "filter_state" {
            return Err(Status::SerializationFailure);
        }
        let of_stream = self.this_stream().and_then(|stream| stream.property(path, stream.phase));
        of_stream.or_else(|| self.properties.get(path).cloned()).ok_or(Status::NotFound)
    }

    /// Sets filter state. It exists only within a stream; the SDK panics on the status for other contexts.
    pub(crate) fn set_property(&mut self, path: Vec<u8>, value: Vec<u8>) -> Status {
        let Some(stream) = self.this_stream_mut() else {
            return Status::NotFound;
        };
        let key = format!("wasm.{}", String::from_utf8_lossy(&path));
        stream.filter_state.insert(key, value);
        Status::Ok
    }
}

impl StreamState {
    /// Returns a property as the guest would read it in this phase; `None` if it does not exist.
    fn property(&self, path: &PropertyPath, phase: Phase) -> Option<Vec<u8>> {
        let own = format!("wasm.{}", String::from_utf8_lossy(&path.0));
        if let Some(value) = self.filter_state.get(&own) {
            return Some(value.clone());
        }
        let name = path.dotted();
        if phase < first_phase(&name) {
            return None;
        }
        let needs_head = is_from_request_head(&name);
        if needs_head && self.readable_headers(Direction::Request).is_none() {
            return None;
        }
        let given = self.overrides.get(path).or(self.properties.get(path));
        given.cloned().or_else(|| self.head_property(&name))
    }

    /// Returns a property that Envoy derives from the heads.
    fn head_property(&self, name: &str) -> Option<Vec<u8>> {
        if let Some(header) = name.strip_prefix("response.headers.") {
            let headers = self.readable_headers(Direction::Response)?;
            return headers.get(header).map(<[u8]>::to_vec);
        }
        let headers = self.readable_headers(Direction::Request)?;
        if let Some(header) = name.strip_prefix("request.headers.") {
            return headers.get(header).map(<[u8]>::to_vec);
        }
        let path = || headers.get(":path");
        let split = |path: &[u8]| path.iter().position(|byte| *byte == b'?');
        match name {
            "request.id" => headers.get("x-request-id").map(<[u8]>::to_vec),
            "request.path" => path().map(<[u8]>::to_vec),
            "request.url_path" => path().map(|all| all[..split(all).unwrap_or(all.len())].to_vec()),
            "request.query" => path().and_then(|all| Some(all[split(all)? + 1..].to_vec())),
            "request.host" => headers.get(":authority").map(<[u8]>::to_vec),
            "request.scheme" => headers.get(":scheme").map(<[u8]>::to_vec),
            "request.method" => headers.get(":method").map(<[u8]>::to_vec),
            "request.referer" => headers.get("referer").map(<[u8]>::to_vec),
            "request.useragent" => headers.get("user-agent").map(<[u8]>::to_vec),
            _ => None,
        }
    }
}

/// Whether a property is read from the request head, and so disappears with it.
fn is_from_request_head(name: &str) -> bool {
    matches!(
        name,
        "request.id"
            | "request.path"
            | "request.url_path"
            | "request.query"
            | "request.host"
            | "request.scheme"
            | "request.method"
            | "request.referer"
            | "request.useragent"
    ) || name.starts_with("request.headers")
}

/// Returns the first phase in which a property exists.
fn first_phase(name: &str) -> Phase {
    match name {
        "request.duration"
        | "request.total_size"
        | "response.size"
        | "response.total_size"
        | "response.backend_latency"
        | "upstream.transport_failure_reason" => Phase::Log,
        _ if name.starts_with("response.") || name.starts_with("upstream.") => Phase::Response,
        _ => Phase::Request,
    }
}
