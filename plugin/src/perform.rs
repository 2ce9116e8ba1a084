//! The host calls. No other file makes any; the two submodules declare those that the SDK cannot make safely.
//!
//! Each call is made only in the phases in which the host allows it. The SDK panics on a status that it does not
//! expect, and a panic ends the VM; such calls are declared here. Calls whose failures the SDK returns go through it.
//! Failures are ignored, since traffic never waits for metering.

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

/// The ids of the stats that are defined. Every definition makes the host keep a new id, so each stat is defined
/// once.
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

/// Sets a filter state of the stream. Envoy prefixes its name with `wasm.`.
pub(crate) fn set_filter_state(state: &FilterState) {
    let name = ["llm.", state.key].concat();
    let _refused = hostcalls::set_property(vec![name.as_str()], Some(state.value.as_bytes()));
}

/// Returns the plugin's configuration.
pub(crate) fn configuration(bytes: usize) -> Vec<u8> {
    buffer(BufferType::PluginConfiguration, 0, bytes)
}

/// Returns the bytes of a body's buffer from `start` on. In a callback that returns Continue the buffer holds the
/// bytes that pass now; after a callback that paused it holds all held bytes.
///
/// `None` if the memory budget has no room for the copy. The host would copy in any case.
pub(crate) fn body(kind: BufferType, start: usize, bytes: usize, memory: &MemoryBudget) -> Option<Vec<u8>> {
    memory.has_room(bytes).then(|| buffer(kind, start, bytes))
}

/// Returns the bytes of a buffer whose size has a bound of its own.
pub(crate) fn buffer(kind: BufferType, start: usize, bytes: usize) -> Vec<u8> {
    hostcalls::get_buffer(kind, start, bytes).ok().flatten().unwrap_or_default()
}

/// Edits the request's body, of which `bytes` are in the buffer. `length` is the new length, if the head is still
/// held and must announce it. Returns whether the edit was made.
pub(crate) fn edit_request(edit: &Edit, bytes: usize, length: Option<usize>, memory: &MemoryBudget) -> bool {
    // The body is in memory twice: before and after the edit.
    if !memory.has_room(bytes.saturating_mul(2).saturating_add(edit.insert.len())) {
        return false;
    }
    let Some(edited) = edit.apply(&buffer(BufferType::HttpRequestBody, 0, bytes)) else {
        return false;
    };
    // The head comes first: if it has passed it cannot be changed, and the body must stay unchanged too.
    if length.is_some_and(|length| !set_length(length)) {
        return false;
    }
    let is_edited = replace_body(BufferType::HttpRequestBody, bytes, &edited);
    if !is_edited && length.is_some() {
        set_length(bytes);
    }
    is_edited
}

/// Replaces the first `bytes` of a body by `value`. Returns whether the host accepts that. Does not use the SDK, which
/// panics if the host refuses.
pub(crate) fn replace_body(buffer: BufferType, bytes: usize, value: &[u8]) -> bool {
    // SAFETY: the host reads `value.len()` bytes from the pointer, which is that of this slice.
    let status = unsafe { abi::proxy_set_buffer_bytes(buffer as u32, 0, bytes, value.as_ptr(), value.len()) };
    status == 0
}

/// Returns all header fields in the encoding of the ABI. Does not use the SDK, which panics on a name that is not
/// UTF-8 and copies every field.
pub(crate) fn headers(map: MapType) -> Vec<u8> {
    let mut data: *mut u8 = core::ptr::null_mut();
    let mut size: usize = 0;
    // SAFETY: the host writes a pointer and a size to these two local variables.
    let status = unsafe { abi::proxy_get_header_map_pairs(map as u32, &raw mut data, &raw mut size) };
    if status != 0 || data.is_null() {
        return Vec::new();
    }
    // SAFETY: the host allocated this memory by the guest's own allocator with exactly this size, and no longer owns
    // it.
    unsafe { Vec::from_raw_parts(data, size, size) }
}

/// Sets a header field, which the host allows until that head has passed. Returns whether the host accepts it. Does not
/// use the SDK, which panics if the host refuses.
pub(crate) fn set_header(map: MapType, name: &str, value: &str) -> bool {
    // SAFETY: the host reads from each pointer as many bytes as the length next to it, which are these slices.
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

/// Sets the length that the head of the request announces. Returns whether the host accepts it.
pub(crate) fn set_length(length: usize) -> bool {
    set_header(MapType::HttpRequestHeaders, "content-length", &length.to_string())
}

/// Removes a header field of a head that has not passed.
pub(crate) fn remove_header(map: MapType, name: &str) {
    // SAFETY: the host reads `name.len()` bytes from the pointer, which is that of this slice.
    let _refused = unsafe { abi::proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) };
}

/// Sends a local response to the stream of the current callback. Does not use the SDK, which panics if the host
/// refuses.
pub(crate) fn reply(reply: &FeedbackReply) {
    let fields: Vec<_> = reply.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (map, details) = (encode(&fields), "llm_gauge_feedback");
    // SAFETY: the host reads from each pointer as many bytes as the length after it, which are these slices.
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

/// Sends a local response to another stream.
pub(crate) fn reply_to(stream: u32, answer: &FeedbackReply) {
    if hostcalls::set_effective_context(stream).is_ok() {
        reply(answer);
    }
}

/// Resumes the request of a stream that is held at its head.
pub(crate) fn resume_request(stream: u32) {
    if hostcalls::set_effective_context(stream).is_ok() {
        let _refused = hostcalls::resume_http_request();
    }
}

/// Sets the period of the root context's timer in milliseconds; 0 turns it off.
pub(crate) fn set_timer_period(milliseconds: u64) {
    let _refused = hostcalls::set_tick_period(Duration::from_millis(milliseconds));
}

/// Returns the route and cluster of the request. They are empty unless `wanted`.
pub(crate) fn place(wanted: bool) -> Place {
    if !wanted {
        return Place::default();
    }
    let text = |name| String::from_utf8_lossy(&property(&["xds", name])).into_owned();
    Place { route: text("route_name"), cluster: text("cluster_name") }
}

/// Returns the proxy's report of the stream's end, which is complete in the log phase only.
pub(crate) fn end() -> End {
    let code = number(&["response", "code"]).and_then(|code| u32::try_from(code).ok());
    End {
        code: code.filter(|code| *code != 0),
        flags: number(&["response", "flags"]).unwrap_or(0),
        details: String::from_utf8_lossy(&property(&["response", "code_details"])).into_owned(),
    }
}

/// Returns whether two streams of this VM have the same request, by properties that no two requests share.
pub(crate) fn is_same_request(stream: u32, other: u32) -> bool {
    let identity = |stream| {
        hostcalls::set_effective_context(stream).ok()?;
        let identity = (property(&["connection", "id"]), property(&["request", "time"]));
        (!identity.0.is_empty() && !identity.1.is_empty()).then_some(identity)
    };
    let theirs = identity(other);
    // The last one, so that this stream is the effective context again.
    let mine = identity(stream);
    mine.is_some() && mine == theirs
}

/// Makes a callout, and returns its token. `None` if the host has no such cluster, or the cluster has no host.
pub(crate) fn http_call(call: &Callout) -> Option<u32> {
    let headers = call.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let timeout = Duration::from_millis(call.timeout_ms);
    hostcalls::dispatch_http_call(&call.cluster, headers, Some(&call.body), Vec::new(), timeout).ok()
}

/// Compresses bytes by the host's compressor, in the zlib format. `None` if the host has none. Does not use the SDK,
/// which panics on an unknown status.
pub(crate) fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let (name, mut data, mut size) = ("compress", core::ptr::null_mut(), 0);
    // SAFETY: the host reads from the first two pointers as many bytes as the lengths next to them, and writes a
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
    // SAFETY: the host allocated this memory by the guest's own allocator with exactly this size, and no longer owns
    // it.
    Some(unsafe { Vec::from_raw_parts(data, size, size) })
}

/// Registers a queue by which streams wake the root context. `None` if the host has no queues. Does not use the SDK,
/// which panics then.
pub(crate) fn register_queue(name: &str) -> Option<u32> {
    let mut queue = 0;
    // SAFETY: the host reads `name.len()` bytes from the pointer and writes a number to the local variable.
    let status = unsafe { abi::proxy_register_shared_queue(name.as_ptr(), name.len(), &raw mut queue) };
    (status == 0).then_some(queue)
}

/// Wakes the root context that registered the queue. Returns whether that succeeded.
pub(crate) fn enqueue(queue: u32) -> bool {
    let item = b"1";
    // SAFETY: the host reads from the pointer as many bytes as the length, which are this array.
    let status = unsafe { abi::proxy_enqueue_shared_queue(queue, item.as_ptr(), item.len()) };
    status == 0
}

/// Removes an item from the queue. Returns `false` if there is none.
pub(crate) fn dequeue(queue: u32) -> bool {
    matches!(hostcalls::dequeue_shared_queue(queue), Ok(Some(_)))
}

/// Returns the shared data of a key and its version. `None` if there is none. Does not use the SDK, which panics if
/// the host has no shared data.
pub(crate) fn shared_data(key: &str) -> Option<(Vec<u8>, u32)> {
    let (mut data, mut size, mut version) = (core::ptr::null_mut(), 0, 0);
    // SAFETY: the host reads the key, and writes a pointer and two numbers to these local variables.
    let status = unsafe {
        abi::proxy_get_shared_data(key.as_ptr(), key.len(), &raw mut data, &raw mut size, &raw mut version)
    };
    if status != 0 || data.is_null() {
        return None;
    }
    // SAFETY: the host allocated this memory by the guest's own allocator with exactly this size, and no longer owns
    // it.
    Some((unsafe { Vec::from_raw_parts(data, size, size) }, version))
}

/// The result of a swap of shared data.
pub(crate) enum SwapResult {
    Done,
    /// Another worker was faster.
    Conflict,
    /// The host has no shared data.
    Refused,
}

/// Sets the shared data of a key, unless its version has changed. Version 0 sets it in any case.
pub(crate) fn swap_shared_data(key: &str, value: &[u8], version: u32) -> SwapResult {
    // SAFETY: the host reads from each pointer as many bytes as the length next to it, which are these slices.
    let status =
        unsafe { abi::proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), version) };
    match status {
        0 => SwapResult::Done,
        CAS_MISMATCH => SwapResult::Conflict,
        _ => SwapResult::Refused,
    }
}

/// The ABI's status for a version that has changed.
const CAS_MISMATCH: u32 = 8;

/// Ends the shutdown of the plugin.
pub(crate) fn done() {
    // SAFETY: the call has no arguments.
    let _refused = unsafe { abi::proxy_done() };
}

/// Writes an error to the proxy's log.
pub(crate) fn log_error(message: &str) {
    let _refused = hostcalls::log(LogLevel::Error, message);
}

/// Writes a warning to the proxy's log.
pub(crate) fn log_warning(message: &str) {
    let _refused = hostcalls::log(LogLevel::Warn, message);
}

fn property(path: &[&str]) -> Vec<u8> {
    hostcalls::get_property(path.to_vec()).ok().flatten().unwrap_or_default()
}

/// Returns a property that is a number of 8 bytes in little endian. `None` if the property has another size.
fn number(path: &[&str]) -> Option<u64> {
    property(path).first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes))
}

/// The value of `clockid::monotonic`.
const MONOTONIC: u32 = 1;

/// Returns the time of the monotonic clock in nanoseconds, from any origin.
pub(crate) fn now_ns() -> u64 {
    let mut time_ns = 0;
    // SAFETY: the host writes 8 bytes to the pointer, which is this local variable.
    let _errno = unsafe { wasi::clock_time_get(MONOTONIC, 1, &raw mut time_ns) };
    time_ns
}

/// Returns the wall clock in nanoseconds since the Unix epoch. It may step back.
pub(crate) fn wall_ns() -> u64 {
    let mut time_ns: u64 = 0;
    // SAFETY: the host writes 8 bytes to the pointer, which is this local variable.
    let _status = unsafe { abi::proxy_get_current_time_nanoseconds(&raw mut time_ns) };
    time_ns
}

/// Returns the wall clock in seconds since the Unix epoch.
pub(crate) fn unix_s() -> u64 {
    wall_ns() / 1_000_000_000
}

/// Fills `bytes` with random ones.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    // SAFETY: the host writes at most `bytes.len()` bytes to the pointer, which is that of this slice.
    let _errno = unsafe { wasi::random_get(bytes.as_mut_ptr(), bytes.len()) };
}
