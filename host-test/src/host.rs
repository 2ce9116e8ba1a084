//! The host side of a guest's imports, with every effect visible to a test.
//!
//! [`abi`](crate::abi) decodes and encodes; this module implements the calls, one file per subject. Every effect of a
//! filter becomes a plain value in [`Host`], in the stream it belongs to, or in the shared [`ProxyState`].

mod calls;
mod memory;
mod metrics;
mod options;
mod properties;
mod stream;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::MutexGuard;

use crate::header_map::Headers;
use crate::proxy_state::{Clock, ProxyState, SharedProxyState};

pub use calls::{CallAnswer, CallState, Callout};
pub use memory::Memory;
pub use options::Options;
pub use properties::{Phase, PropertyPath, int};
pub use stream::{Direction, LocalResponse, Side, StreamState};
pub use types::{Action, BufferKind, LogLevel, LogLine, MapKind, Status};

/// The root context's id, which is always the first one assigned.
pub const ROOT: u32 = 1;

/// A function of the proxy that a guest can call by name.
pub type ForeignFunction = fn(&[u8]) -> Vec<u8>;

/// The host side of one guest.
///
/// Tests read the public fields, and set them to change the behaviour of the proxy.
pub struct Host {
    /// Every line that the guest logged or wrote to standard output and error.
    pub logs: Vec<LogLine>,
    /// Every callout that was accepted, in the order of the tokens.
    pub callouts: Vec<Callout>,
    /// Clusters that do not exist: a callout to one fails at once with `BadArgument`.
    pub unknown_clusters: BTreeSet<String>,
    /// Clusters without a healthy host: a callout to one fails at once with `InternalFailure`.
    pub failing_clusters: BTreeSet<String>,
    /// The number of next swaps of shared data that fail, as if another worker had been faster.
    pub raced_swaps: u32,
    /// Foreign functions that the guest called. A call of one that does not exist returned `NotFound`.
    pub foreign_calls: Vec<(String, Vec<u8>)>,
    /// Foreign functions that exist, by name. There are none by default.
    pub foreign_functions: BTreeMap<String, ForeignFunction>,
    /// The number of times the guest defined a metric. In Envoy each definition leaks a little memory.
    pub define_metric_calls: u64,
    /// The tick period that the guest set, in milliseconds; 0 is off.
    pub tick_period_ms: u32,
    /// Descriptions of calls that Envoy silently ignores.
    pub ignored: Vec<String>,
    /// Properties of the plugin itself, visible in the root context and in every stream.
    pub properties: BTreeMap<PropertyPath, Vec<u8>>,
    /// The guest's linear memory: its limit and its peak.
    pub memory: Memory,
    pub(crate) proxy_state: SharedProxyState,
    pub(crate) streams: BTreeMap<u32, StreamState>,
    pub(crate) commands: Vec<Command>,
    pub(crate) vm: u32,
    pub(crate) tick_due_ns: u64,
    pub(crate) pending_done: bool,
    pub(crate) done: bool,
    pub(crate) call_answer: Option<CallAnswer>,
    pub(crate) configuring: bool,
    has_shared_data: bool,
    configuration: Vec<u8>,
    vm_configuration: Vec<u8>,
    vm_id: String,
    log_level: LogLevel,
    random: u64,
    context: u32,
    effective: Option<u32>,
    metric_names: BTreeMap<u32, String>,
    metric_ids: [u32; 3],
}

/// An action on a stream that a guest requested. It takes effect when the callback has returned, as in Envoy.
#[derive(Debug)]
pub(crate) enum Command {
    Resume(u32, Direction),
    Close(u32),
    Reply(u32, LocalResponse),
}

impl Host {
    pub(crate) fn new(options: &Options) -> Self {
        let vm = options.proxy_state.lock().next_vm_number();
        let properties = options.properties.iter();
        Self {
            logs: Vec::new(),
            callouts: Vec::new(),
            unknown_clusters: BTreeSet::new(),
            failing_clusters: BTreeSet::new(),
            raced_swaps: 0,
            foreign_calls: Vec::new(),
            foreign_functions: BTreeMap::new(),
            define_metric_calls: 0,
            tick_period_ms: 0,
            ignored: Vec::new(),
            properties: properties
                .map(|(path, value)| (PropertyPath::from(path.as_str()), value.clone()))
                .collect(),
            memory: Memory::new(options.memory_bytes_max),
            proxy_state: options.proxy_state.clone(),
            streams: BTreeMap::new(),
            commands: Vec::new(),
            vm,
            tick_due_ns: 0,
            pending_done: false,
            done: false,
            call_answer: None,
            configuring: false,
            has_shared_data: options.has_shared_data,
            configuration: options.configuration.clone(),
            vm_configuration: options.vm_configuration.clone(),
            vm_id: options.vm_id.clone(),
            log_level: options.log_level,
            random: options.seed,
            context: 0,
            effective: None,
            metric_names: BTreeMap::new(),
            metric_ids: [0, 1, 2],
        }
    }

    /// Locks the state of the proxy that this guest is a worker of. Drop the lock before calling a guest.
    pub fn proxy_state(&self) -> MutexGuard<'_, ProxyState> {
        self.proxy_state.lock()
    }

    /// Advances the clock of the whole proxy.
    pub fn advance_ms(&mut self, ms: u64) {
        self.proxy_state.advance_ms(ms);
    }

    /// Returns the current time.
    pub fn clock(&self) -> Clock {
        self.proxy_state.lock().clock
    }

    /// Returns the texts logged at this level, in order.
    pub fn logged(&self, level: LogLevel) -> Vec<&str> {
        let lines = self.logs.iter().filter(|line| line.level == level);
        lines.map(|line| line.text.as_str()).collect()
    }

    /// Whether the root context is done: it said so in `proxy_on_done`, or called `proxy_done` later.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Returns an open stream; `None` if there is none with this id.
    pub fn stream(&self, id: u32) -> Option<&StreamState> {
        self.streams.get(&id)
    }

    pub(crate) fn enter(&mut self, context: u32) {
        self.context = context;
        self.effective = None;
    }

    pub(crate) fn log(&mut self, level: u32, text: Vec<u8>) -> Status {
        let Some(level) = LogLevel::from_number(level) else {
            return Status::BadArgument;
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        let context = self.context_id();
        self.logs.push(LogLine { level, text, context });
        Status::Ok
    }

    pub(crate) fn log_level(&self) -> LogLevel {
        self.log_level
    }

    pub(crate) fn vm_id(&self) -> &str {
        &self.vm_id
    }

    pub(crate) fn set_configuration(&mut self, configuration: Vec<u8>) {
        self.configuration = configuration;
    }

    /// Returns an error if the proxy has no shared data. It is the status of every call on shared data.
    pub(crate) fn shares_data(&self) -> Result<(), Status> {
        if self.has_shared_data { Ok(()) } else { Err(Status::Unimplemented) }
    }

    /// Whether a swap fails because another worker was faster.
    pub(crate) fn is_raced(&mut self, cas: u32) -> bool {
        let is_raced = cas != 0 && self.raced_swaps > 0;
        self.raced_swaps -= u32::from(is_raced);
        is_raced
    }

    /// Returns the context that host calls refer to.
    pub(crate) fn context_id(&self) -> u32 {
        self.effective.unwrap_or(self.context)
    }

    pub(crate) fn set_effective_context(&mut self, id: u32) -> Status {
        if id != ROOT && !self.streams.contains_key(&id) {
            return Status::BadArgument;
        }
        self.effective = Some(id);
        Status::Ok
    }

    pub(crate) fn set_tick_period(&mut self, period_ms: u32) -> Status {
        self.tick_period_ms = period_ms;
        self.tick_due_ns = self.clock().monotonic_ns + u64::from(period_ms) * 1_000_000;
        Status::Ok
    }

    /// Returns random bytes that depend on the seed alone (splitmix64).
    pub(crate) fn random(&mut self, size: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size + 8);
        while bytes.len() < size {
            self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = self.random;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
        }
        bytes.truncate(size);
        bytes
    }

    /// Handles `proxy_done`, which is only valid after the root context's `on_done` has returned `false`.
    pub(crate) fn finish_done(&mut self) -> Status {
        if self.context_id() != ROOT || !self.pending_done {
            return Status::NotFound;
        }
        self.pending_done = false;
        self.done = true;
        Status::Ok
    }

    /// Returns the bytes of a buffer; `None` if it is absent in this phase.
    pub(crate) fn buffer(&self, kind: BufferKind) -> Option<&[u8]> {
        match kind {
            BufferKind::RequestBody => self.this_stream()?.request.buffer.as_deref(),
            BufferKind::ResponseBody => self.this_stream()?.response.buffer.as_deref(),
            BufferKind::CallBody => self.call_answer.as_ref().map(|answer| &answer.body[..]),
            BufferKind::VmConfiguration => Some(&self.vm_configuration),
            BufferKind::PluginConfiguration if self.configuring => Some(&self.configuration),
            _ => None,
        }
    }

    /// Edits a body as Envoy allows it: at the front or at the end, never in the middle.
    pub(crate) fn set_buffer(&mut self, kind: BufferKind, start: usize, size: usize, data: &[u8]) -> Status {
        let Some(direction) = kind.direction() else {
            let present = self.buffer(kind).is_some();
            return if present { Status::BadArgument } else { Status::NotFound };
        };
        let stream = self.this_stream_mut();
        let Some(buffer) = stream.and_then(|stream| stream.side_mut(direction).buffer.as_mut()) else {
            return Status::NotFound;
        };
        if start == 0 {
            let end = size.min(buffer.len());
            buffer.splice(..end, data.iter().copied());
        } else if start >= buffer.len() {
            buffer.extend_from_slice(data);
        } else {
            return Status::BadArgument;
        }
        Status::Ok
    }

    /// Returns a header map to read; `None` if it is absent in this phase.
    pub(crate) fn map(&self, kind: MapKind) -> Option<&Headers> {
        match kind {
            MapKind::CallHeaders => self.call_answer.as_ref()?.headers.as_ref(),
            MapKind::CallTrailers => self.call_answer.as_ref()?.trailers(),
            MapKind::Grpc => None,
            MapKind::Headers(direction) => self.this_stream()?.readable_headers(direction),
            MapKind::Trailers(direction) => self.this_stream()?.readable_trailers(direction),
        }
    }

    /// Returns a header map to edit; `None` if it is absent in this phase.
    pub(crate) fn map_mut(&mut self, kind: MapKind) -> Option<&mut Headers> {
        let stream = self.this_stream_mut()?;
        match kind {
            MapKind::Headers(direction) => {
                // Envoy selects the route again after any edit of the request head at this ABI version.
                let open = stream.side(direction).headers_open;
                stream.route_cache_cleared |= open && direction == Direction::Request;
                stream.side_mut(direction).open_headers_mut()
            }
            MapKind::Trailers(direction) => stream.side_mut(direction).open_trailers_mut(),
            MapKind::CallHeaders | MapKind::CallTrailers | MapKind::Grpc => None,
        }
    }

    /// Returns the status for an absent map: reads are allowed in the log phase, and in no other.
    pub(crate) fn absent_map(&self) -> Status {
        match self.this_stream() {
            Some(stream) if stream.phase == Phase::Log => Status::NotFound,
            _ => Status::BadArgument,
        }
    }

    pub(crate) fn command(&mut self, stream_type: u32, close: bool) -> Status {
        let Some(direction) = Direction::from_number(stream_type) else {
            return Status::BadArgument;
        };
        let id = self.context_id();
        if !self.streams.contains_key(&id) {
            let what = if close { "close" } else { "resume" };
            self.ignored.push(format!("{what} from a context without a stream"));
            return Status::Ok;
        }
        self.commands.push(if close { Command::Close(id) } else { Command::Resume(id, direction) });
        Status::Ok
    }

    pub(crate) fn send_local_response(&mut self, reply: LocalResponse) -> Status {
        let id = self.context_id();
        if self.streams.contains_key(&id) {
            self.commands.push(Command::Reply(id, reply));
        } else {
            self.ignored.push("a local response from a context without a stream".to_owned());
        }
        Status::Ok
    }

    pub(crate) fn this_stream(&self) -> Option<&StreamState> {
        self.streams.get(&self.context_id())
    }

    pub(crate) fn this_stream_mut(&mut self) -> Option<&mut StreamState> {
        let id = self.context_id();
        self.streams.get_mut(&id)
    }
}
