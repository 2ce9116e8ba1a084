//! The ABI's numbers, as names.

use super::stream::Way;

/// What a callback wants done with what it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Pass it on.
    Continue,
    /// Hold it.
    Pause,
}

/// What a host call answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// It worked.
    Ok = 0,
    /// There is no such thing.
    NotFound = 1,
    /// The arguments make no sense, or not in this phase.
    BadArgument = 2,
    /// A value cannot be put into bytes.
    SerializationFailure = 3,
    /// Bytes cannot be read.
    ParseFailure = 4,
    /// A pointer leaves the guest's memory.
    InvalidMemoryAccess = 6,
    /// The queue is empty.
    Empty = 7,
    /// The value has changed in between.
    CasMismatch = 8,
    /// The proxy cannot do it now.
    InternalFailure = 10,
    /// The proxy cannot do it at all.
    Unimplemented = 12,
}

/// Log levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum LogLevel {
    /// Every step.
    Trace = 0,
    /// For whoever debugs the filter.
    Debug = 1,
    /// Normal events.
    Info = 2,
    /// Something is off.
    Warn = 3,
    /// Something failed.
    Error = 4,
    /// The SDK's level for panics.
    Critical = 5,
}

/// One logged line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its level.
    pub level: LogLevel,
    /// Its text.
    pub text: String,
    /// The context it came from: [`ROOT`](super::ROOT) or a stream's id.
    pub context: u32,
}

/// The buffers a guest can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BufferKind {
    /// The chunk of the request body at hand, or all that is held of it.
    RequestBody,
    /// The chunk of the response body at hand, or all that is held of it.
    ResponseBody,
    /// The body of a callout's answer.
    CallBody,
    /// The VM's configuration.
    VmConfiguration,
    /// The plugin's configuration, inside `proxy_on_configure` only.
    PluginConfiguration,
    /// A buffer of something this host has not: raw connections, gRPC, foreign functions.
    Other,
}

/// The header maps a guest can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapKind {
    /// The head of the request or the response.
    Headers(Way),
    /// The trailers of the request or the response.
    Trailers(Way),
    /// The headers of a callout's answer.
    CallHeaders,
    /// The trailers of a callout's answer.
    CallTrailers,
    /// The metadata of gRPC calls, of which there are none here.
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

    /// The way of a body, if this is one.
    pub(crate) fn way(self) -> Option<Way> {
        match self {
            Self::RequestBody => Some(Way::Request),
            Self::ResponseBody => Some(Way::Response),
            _ => None,
        }
    }
}

impl MapKind {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Headers(Way::Request),
            1 => Self::Trailers(Way::Request),
            2 => Self::Headers(Way::Response),
            3 => Self::Trailers(Way::Response),
            4 | 5 => Self::Grpc,
            6 => Self::CallHeaders,
            7 => Self::CallTrailers,
            _ => return None,
        })
    }
}
