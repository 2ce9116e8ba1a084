//! Enumerations of the ABI, by name.

use super::stream::Direction;

/// The action that a callback returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The proxy passes the event on.
    Continue,
    /// The proxy holds the event.
    Pause,
}

/// The status that a host call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// The call succeeded.
    Ok = 0,
    /// The item does not exist.
    NotFound = 1,
    /// The arguments are invalid, or invalid in this phase.
    BadArgument = 2,
    /// A value cannot be encoded.
    SerializationFailure = 3,
    /// Bytes cannot be decoded.
    ParseFailure = 4,
    /// A pointer is outside the guest's memory.
    InvalidMemoryAccess = 6,
    /// The queue is empty.
    Empty = 7,
    /// The value has been changed by another worker.
    CasMismatch = 8,
    /// The proxy cannot perform the call at this time.
    InternalFailure = 10,
    /// The proxy does not support the call.
    Unimplemented = 12,
}

/// Log levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum LogLevel {
    /// The details of every step.
    Trace = 0,
    /// Information for debugging the filter.
    Debug = 1,
    /// Normal events.
    Info = 2,
    /// Unexpected events that are not failures.
    Warn = 3,
    /// Failures.
    Error = 4,
    /// The level that the SDK logs panics at.
    Critical = 5,
}

/// One logged line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The level of the line.
    pub level: LogLevel,
    /// The text of the line.
    pub text: String,
    /// The context that logged it: [`ROOT`](super::ROOT) or a stream's id.
    pub context: u32,
}

/// The buffers of the ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BufferKind {
    /// The current chunk of the request body, or everything that is held of it.
    RequestBody,
    /// The current chunk of the response body, or everything that is held of it.
    ResponseBody,
    /// The body of a callout's answer.
    CallBody,
    /// The VM's configuration.
    VmConfiguration,
    /// The plugin's configuration, which is only readable inside `proxy_on_configure`.
    PluginConfiguration,
    /// A buffer that this host does not have: raw connections, gRPC, foreign functions.
    Other,
}

/// The header maps of the ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapKind {
    /// The head of the request or the response.
    Headers(Direction),
    /// The trailers of the request or the response.
    Trailers(Direction),
    /// The headers of a callout's answer.
    CallHeaders,
    /// The trailers of a callout's answer.
    CallTrailers,
    /// The metadata of gRPC calls, which this host does not make.
    Grpc,
}

impl LogLevel {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        use LogLevel::*;
        [Trace, Debug, Info, Warn, Error, Critical].get(usize::try_from(number).ok()?).copied()
    }
}

impl BufferKind {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::RequestBody,
            1 => Self::ResponseBody,
            4 => Self::CallBody,
            6 => Self::VmConfiguration,
            7 => Self::PluginConfiguration,
            2 | 3 | 5 | 8 => Self::Other,
            _ => return None,
        })
    }

    /// Returns the direction of a body; `None` for the other buffers.
    pub(crate) fn direction(self) -> Option<Direction> {
        match self {
            Self::RequestBody => Some(Direction::Request),
            Self::ResponseBody => Some(Direction::Response),
            _ => None,
        }
    }
}

impl MapKind {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Headers(Direction::Request),
            1 => Self::Trailers(Direction::Request),
            2 => Self::Headers(Direction::Response),
            3 => Self::Trailers(Direction::Response),
            4 | 5 => Self::Grpc,
            6 => Self::CallHeaders,
            7 => Self::CallTrailers,
            _ => return None,
        })
    }
}
