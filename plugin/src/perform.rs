//! The only file with host calls; the raw ones are declared in the two beside it.
//!
//! Each is made only in the phases the host allows it in, and in its bytes form: the SDK panics on a status it does
//! not expect, and a panic ends the VM. What a host answers with a status the SDK expects is left out; traffic never
//! waits for metering.

mod abi;
mod wasi;

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::time::Duration;

use llm_gauge_decode::MemoryBudget;
use llm_gauge_engine::callouts::Callout;
use llm_gauge_engine::config::Place;
use llm_gauge_engine::exchange::End;
use llm_gauge_engine::feedback::FeedbackReply;
use llm_gauge_engine::filter_state::FilterState;
use llm_gauge_engine::head::encode;
use llm_gauge_engine::metrics::StatUpdate;
use llm_gauge_engine::rewrite::Edit;
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType};

use crate::names::{Name, NameHasher};

/// Ids of the stats defined so far. Every definition makes the host keep a new id, so none is made twice.
#[derive(Default)]
pub(crate) struct Stats {
    ids: HashMap<Name, u32, BuildHasherDefault<NameHasher>>,
}

impl Stats {
    fn id(&mut self, kind: MetricType, stat: String) -> Option<u32> {
        let stat = Name(stat);
        if let Some(id) = self.ids.get(&stat) {
            return Some(*id);
        }
        let id = hostcalls::define_metric(kind, &stat.0).ok()?;
        self.ids.insert(stat, id);
        Some(id)
    }
}

/// Updates stats.
pub(crate) fn update_stats(stats: &RefCell<Stats>, updates: Vec<StatUpdate>) {
    updates.into_iter().for_each(|update| update_stat(stats, update));
}

/// Updates one stat.
pub(crate) fn update_stat(stats: &RefCell<Stats>, update: StatUpdate) {
    let mut stats = stats.borrow_mut();
    let _refused = match update {
        StatUpdate::Count { stat, by } => {
            let by = i64::try_from(by).unwrap_or(i64::MAX);
            stats.id(MetricType::Counter, stat).map(|id| hostcalls::increment_metric(id, by))
        }
        StatUpdate::Observe { stat, value } => {
            stats.id(MetricType::Histogram, stat).map(|id| hostcalls::record_metric(id, value))
        }
        StatUpdate::Add { stat, by } => {
            stats.id(MetricType::Gauge, stat).map(|id| hostcalls::increment_metric(id, by))
        }
        StatUpdate::Set { stat, value } => {
            stats.id(MetricType::Gauge, stat).map(|id| hostcalls::record_metric(id, value))
        }
    };
}

/// Sets filter state of the stream. Envoy puts `wasm.` before its name.
pub(crate) fn set_filter_state(state: &FilterState) {
    let name = ["llm.", state.key].concat();
    let _refused = hostcalls::set_property(vec![name.as_str()], Some(state.value.as_bytes()));
}

/// The plugin's configuration.
pub(crate) fn configuration(bytes: usize) -> Vec<u8> {
    buffer(BufferType::PluginConfiguration, 0, bytes)
}

/// What is in a body's buffer from `start` on: in a body callback that returns Continue, just the bytes that pass; after
/// one that paused, all that is held. `None` if there is no memory to copy it to, which the host would not ask.
pub(crate) fn body(kind: BufferType, start: usize, bytes: usize, memory: &MemoryBudget) -> Option<Vec<u8>> {
    memory.has_room(bytes).then(|| buffer(kind, start, bytes))
}

/// What is in a buffer whose size has a bound of its own.
pub(crate) fn buffer(kind: BufferType, start: usize, bytes: usize) -> Vec<u8> {
    hostcalls::get_buffer(kind, start, bytes).ok().flatten().unwrap_or_default()
}

/// Makes a change in the request's body, of which `bytes` are at hand; `length`: what it is then, where the head that
/// is still held has to say so. Returns whether it was made.
pub(crate) fn edit_request(edit: &Edit, bytes: usize, length: Option<usize>, memory: &MemoryBudget) -> bool {
    // Twice: as it is and as it becomes.
    if !memory.has_room(bytes.saturating_mul(2).saturating_add(edit.insert.len())) {
        return false;
    }
    let Some(edited) = edit.apply(&buffer(BufferType::HttpRequestBody, 0, bytes)) else {
        return false;
    };
    let set_length =
        |length: usize| set_header(MapType::HttpRequestHeaders, "content-length", &length.to_string());
    // The head first: one that has passed cannot be changed, and then the body must not be either.
    if length.is_some_and(|length| !set_length(length)) {
        return false;
    }
    let is_made = replace_body(BufferType::HttpRequestBody, bytes, &edited);
    if !is_made && length.is_some() {
        set_length(bytes);
    }
    is_made
}

/// Puts `value` in the place of a body's first `bytes`. Not by the SDK, which panics where the host refuses.
pub(crate) fn replace_body(buffer: BufferType, bytes: usize, value: &[u8]) -> bool {
    // SAFETY: the host reads `value.len()` bytes from the pointer, which are this slice.
    let status = unsafe { abi::proxy_set_buffer_bytes(buffer as u32, 0, bytes, value.as_ptr(), value.len()) };
    status == 0
}

/// All header fields, in the encoding of the ABI. Not by the SDK, which panics on a name that is not UTF-8 and
/// copies every field.
pub(crate) fn headers(map: MapType) -> Vec<u8> {
    let mut data: *mut u8 = core::ptr::null_mut();
    let mut size: usize = 0;
    // SAFETY: the host writes a pointer and a size to these two local variables.
    let status = unsafe { abi::proxy_get_header_map_pairs(map as u32, &raw mut data, &raw mut size) };
    if status != 0 || data.is_null() {
        return Vec::new();
    }
    // SAFETY: the host had the guest's own allocator make this memory with exactly this size, and owns it no more.
    unsafe { Vec::from_raw_parts(data, size, size) }
}

/// Sets a field of a head, which the host allows while that head has not passed. Not by the SDK, which panics where
/// the host refuses.
pub(crate) fn set_header(map: MapType, name: &str, value: &str) -> bool {
    // SAFETY: the host reads as many bytes from each pointer as the length beside it says, which are these slices.
    let status = unsafe {
        abi::proxy_replace_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    };
    status == 0
}

/// Takes a field out of a head that has not passed.
pub(crate) fn remove_header(map: MapType, name: &str) {
    // SAFETY: the host reads `name.len()` bytes from the pointer, which are this slice.
    let _refused = unsafe { abi::proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) };
}

/// Answers the stream whose callback this is, in the upstream's place. Not by the SDK, which panics where the host
/// refuses.
pub(crate) fn reply(reply: &FeedbackReply) {
    let fields: Vec<_> = reply.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (map, details) = (encode(&fields), "llm_gauge_feedback");
    // SAFETY: the host reads as many bytes from each pointer as the length behind it says, which are these slices.
    let _refused = unsafe {
        abi::proxy_send_local_response(
            reply.status,
            details.as_ptr(),
            details.len(),
            reply.body.as_ptr(),
            reply.body.len(),
            map.as_ptr(),
            map.len(),
            -1, // no gRPC
        )
    };
}

/// Answers another stream.
pub(crate) fn reply_to(stream: u32, answer: &FeedbackReply) {
    if hostcalls::set_effective_context(stream).is_ok() {
        reply(answer);
    }
}

/// Lets a stream's request go that is held at its head.
pub(crate) fn resume_request(stream: u32) {
    if hostcalls::set_effective_context(stream).is_ok() {
        let _refused = hostcalls::resume_http_request();
    }
}

/// Has the root context called that often; 0: never.
pub(crate) fn tick_every(milliseconds: u64) {
    let _refused = hostcalls::set_tick_period(Duration::from_millis(milliseconds));
}

/// Where Envoy sends the request; empty unless `wanted`.
pub(crate) fn place(wanted: bool) -> Place {
    if !wanted {
        return Place::default();
    }
    let text = |name| String::from_utf8_lossy(&property(&["xds", name])).into_owned();
    Place { route: text("route_name"), cluster: text("cluster_name") }
}

/// What the proxy says of the stream's end; complete in the log phase only.
pub(crate) fn end() -> End {
    let code = number(&["response", "code"]).and_then(|code| u32::try_from(code).ok());
    End {
        code: code.filter(|code| *code != 0),
        flags: number(&["response", "flags"]).unwrap_or(0),
        details: String::from_utf8_lossy(&property(&["response", "code_details"])).into_owned(),
    }
}

/// Makes a callout, and returns its token. `None` if the host knows no such cluster or no host in it.
pub(crate) fn http_call(call: &Callout) -> Option<u32> {
    let headers = call.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let timeout = Duration::from_millis(call.timeout_ms);
    hostcalls::dispatch_http_call(&call.cluster, headers, Some(&call.body), Vec::new(), timeout).ok()
}

/// What the host's compressor makes of it, in zlib's form; `None` where it has none. Not by the SDK, which panics on a
/// status it does not know.
pub(crate) fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let (name, mut data, mut size) = ("compress", core::ptr::null_mut(), 0);
    // SAFETY: the host reads as many bytes from the first two pointers as the lengths beside them say, and writes a
    // pointer and a size to the local variables.
    let status = unsafe {
        abi::proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            bytes.as_ptr(),
            bytes.len(),
            &raw mut data,
            &raw mut size,
        )
    };
    if status != 0 || data.is_null() {
        return None;
    }
    // SAFETY: the host had the guest's own allocator make this memory with exactly this size, and owns it no more.
    Some(unsafe { Vec::from_raw_parts(data, size, size) })
}

/// A queue by which streams wake the root; `None` where the host has none. Not by the SDK, which panics there.
pub(crate) fn register_queue(name: &str) -> Option<u32> {
    let mut queue = 0;
    // SAFETY: the host reads `name.len()` bytes from the pointer and writes a number to the local variable.
    let status = unsafe { abi::proxy_register_shared_queue(name.as_ptr(), name.len(), &raw mut queue) };
    (status == 0).then_some(queue)
}

/// Wakes the root that registered the queue; whether that worked.
pub(crate) fn enqueue(queue: u32) -> bool {
    let item = b"1";
    // SAFETY: the host reads as many bytes from the pointer as the length says, which are this array.
    let status = unsafe { abi::proxy_enqueue_shared_queue(queue, item.as_ptr(), item.len()) };
    status == 0
}

/// Takes an item out; `false` if there is none.
pub(crate) fn dequeue(queue: u32) -> bool {
    matches!(hostcalls::dequeue_shared_queue(queue), Ok(Some(_)))
}

/// What all workers share under this key, and its version. Not by the SDK, which panics where a host has no such thing.
pub(crate) fn shared_data(key: &str) -> Option<(Vec<u8>, u32)> {
    let (mut data, mut size, mut version) = (core::ptr::null_mut(), 0, 0);
    // SAFETY: the host reads the key, and writes a pointer and two numbers to these local variables.
    let status = unsafe {
        abi::proxy_get_shared_data(key.as_ptr(), key.len(), &raw mut data, &raw mut size, &raw mut version)
    };
    if status != 0 || data.is_null() {
        return None;
    }
    // SAFETY: the host had the guest's own allocator make this memory with exactly this size, and owns it no more.
    Some((unsafe { Vec::from_raw_parts(data, size, size) }, version))
}

/// What came of a swap of shared data.
pub(crate) enum Swap {
    Done,
    /// Another worker was faster.
    Raced,
    /// The host has no such thing.
    Refused,
}

/// Puts it there, unless another worker was faster; version 0: whatever is there.
pub(crate) fn swap_shared_data(key: &str, value: &[u8], version: u32) -> Swap {
    // SAFETY: the host reads as many bytes from each pointer as the length beside it says, which are these slices.
    let status =
        unsafe { abi::proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), version) };
    match status {
        0 => Swap::Done,
        CAS_MISMATCH => Swap::Raced,
        _ => Swap::Refused,
    }
}

/// The ABI's status where the version is another one by now.
const CAS_MISMATCH: u32 = 8;

/// The plugin may go.
pub(crate) fn done() {
    // SAFETY: it takes nothing.
    let _refused = unsafe { abi::proxy_done() };
}

/// A line in the proxy's log.
pub(crate) fn log_error(message: &str) {
    let _refused = hostcalls::log(LogLevel::Error, message);
}

/// The same, of what is no fault.
pub(crate) fn log_warning(message: &str) {
    let _refused = hostcalls::log(LogLevel::Warn, message);
}

fn property(path: &[&str]) -> Vec<u8> {
    hostcalls::get_property(path.to_vec()).ok().flatten().unwrap_or_default()
}

/// Numbers are 8 bytes, little endian.
fn number(path: &[&str]) -> Option<u64> {
    property(path).first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes))
}

/// `clockid::monotonic`
const MONOTONIC: u32 = 1;

/// The monotonic clock; its origin means nothing.
pub(crate) fn now_ns() -> u64 {
    let mut time_ns = 0;
    // SAFETY: the host writes 8 bytes to the pointer, which is this local variable.
    let _errno = unsafe { wasi::clock_time_get(MONOTONIC, 1, &raw mut time_ns) };
    time_ns
}

/// The wall clock, since 1970; it may step back.
pub(crate) fn wall_ns() -> u64 {
    let mut time_ns: u64 = 0;
    // SAFETY: the host writes 8 bytes to the pointer, which is this local variable.
    let _status = unsafe { abi::proxy_get_current_time_nanoseconds(&raw mut time_ns) };
    time_ns
}

/// The same in seconds.
pub(crate) fn unix_s() -> u64 {
    wall_ns() / 1_000_000_000
}

/// Random bytes, fetched for many exchanges at once, since a call costs more than the bytes.
#[derive(Default)]
pub(crate) struct Random(Vec<[u8; EXCHANGE_RANDOM_BYTES]>);

/// Bytes for the ids of one exchange.
const EXCHANGE_RANDOM_BYTES: usize = 24;

/// Exchanges whose bytes are fetched at once.
const EXCHANGES_AT_ONCE: usize = 64;

impl Random {
    /// Those of the next exchange.
    pub(crate) fn next(&mut self) -> [u8; EXCHANGE_RANDOM_BYTES] {
        self.0.pop().unwrap_or_else(|| {
            self.0.resize(EXCHANGES_AT_ONCE, [0; EXCHANGE_RANDOM_BYTES]);
            let bytes = self.0.as_flattened_mut();
            // SAFETY: the host writes at most `length` bytes to the pointer, which are this slice.
            let _errno = unsafe { wasi::random_get(bytes.as_mut_ptr(), bytes.len()) };
            self.0.pop().unwrap_or_default()
        })
    }
}
