//! The import table: decodes guest memory, calls [`Host`] and encodes the answer. [`host`](crate::host) holds the
//! semantics of each call.
//!
//! Every import is one line here, so that the whole surface a filter can touch is seen at once.

mod calls;
mod memory;
mod shared;
mod streams;
mod system;

use wasmtime::{Caller, Linker};

use crate::host::{Host, Status};

/// A host call in progress, with access to the guest's store.
pub(crate) type Call<'a> = Caller<'a, Host>;

/// The reasons for which a host call ends early.
pub(crate) enum HostCallError {
    /// The guest gets this status.
    Status(Status),
    /// The guest is ended, because its own allocator trapped or because it asked to exit.
    Trap(wasmtime::Error),
}

impl From<Status> for HostCallError {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// Defines imports that answer with a status: `module, "name" => function(arguments)`.
macro_rules! imports {
    ($linker:ident, $module:literal: $($name:ident => $function:path, ($($argument:ident: $kind:ty),*);)*) => {$(
        $linker
            .func_wrap($module, stringify!($name), |mut call: Call<'_>, $($argument: $kind),*| {
                finish($function(&mut call, $($argument),*))
            })?;
    )*};
}

/// Defines every import a proxy-wasm guest may have.
pub(crate) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    imports! { linker, "env":
        proxy_log => system::log, (level: u32, data: u32, size: u32);
        proxy_get_log_level => system::get_log_level, (level: u32);
        proxy_get_current_time_nanoseconds => system::get_time, (time: u32);
        proxy_set_tick_period_milliseconds => system::set_tick_period, (period_ms: u32);
        proxy_set_effective_context => system::set_effective_context, (context: u32);
        proxy_done => system::done, ();
        proxy_get_status => system::get_status, (code: u32, data: u32, size: u32);
        proxy_call_foreign_function => system::call_foreign_function,
            (name: u32, name_size: u32, data: u32, size: u32, result: u32, result_size: u32);

        proxy_get_buffer_bytes => streams::get_buffer, (kind: u32, start: u32, max: u32, data: u32, size: u32);
        proxy_get_buffer_status => streams::get_buffer_status, (kind: u32, size: u32, flags: u32);
        proxy_set_buffer_bytes => streams::set_buffer, (kind: u32, start: u32, old_size: u32, data: u32, size: u32);
        proxy_get_header_map_size => streams::get_map_size, (kind: u32, size: u32);
        proxy_get_header_map_pairs => streams::get_map, (kind: u32, data: u32, size: u32);
        proxy_set_header_map_pairs => streams::set_map, (kind: u32, data: u32, size: u32);
        proxy_get_header_map_value => streams::get_map_value,
            (kind: u32, key: u32, key_size: u32, data: u32, size: u32);
        proxy_add_header_map_value => streams::add_map_value,
            (kind: u32, key: u32, key_size: u32, data: u32, size: u32);
        proxy_replace_header_map_value => streams::replace_map_value,
            (kind: u32, key: u32, key_size: u32, data: u32, size: u32);
        proxy_remove_header_map_value => streams::remove_map_value, (kind: u32, key: u32, key_size: u32);
        proxy_get_property => streams::get_property, (path: u32, path_size: u32, data: u32, size: u32);
        proxy_set_property => streams::set_property, (path: u32, path_size: u32, data: u32, size: u32);
        proxy_continue_stream => streams::continue_stream, (stream_type: u32);
        proxy_close_stream => streams::close_stream, (stream_type: u32);
        proxy_send_local_response => streams::send_local_response,
            (status: u32, details: u32, details_size: u32, body: u32, body_size: u32,
             headers: u32, headers_size: u32, grpc_status: i32);

        proxy_define_metric => shared::define_metric, (kind: u32, name: u32, name_size: u32, id: u32);
        proxy_increment_metric => shared::increment_metric, (id: u32, offset: i64);
        proxy_record_metric => shared::record_metric, (id: u32, value: u64);
        proxy_get_metric => shared::get_metric, (id: u32, value: u32);
        proxy_get_shared_data => shared::get_data, (key: u32, key_size: u32, data: u32, size: u32, cas: u32);
        proxy_set_shared_data => shared::set_data, (key: u32, key_size: u32, data: u32, size: u32, cas: u32);
        proxy_register_shared_queue => shared::register_queue, (name: u32, name_size: u32, id: u32);
        proxy_resolve_shared_queue => shared::resolve_queue,
            (vm: u32, vm_size: u32, name: u32, name_size: u32, id: u32);
        proxy_enqueue_shared_queue => shared::enqueue, (id: u32, data: u32, size: u32);
        proxy_dequeue_shared_queue => shared::dequeue, (id: u32, data: u32, size: u32);

        proxy_http_call => calls::http_call,
            (cluster: u32, cluster_size: u32, headers: u32, headers_size: u32, body: u32, body_size: u32,
             trailers: u32, trailers_size: u32, timeout_ms: u32, token: u32);
        proxy_grpc_call => calls::grpc_call,
            (cluster: u32, cluster_size: u32, service: u32, service_size: u32, method: u32, method_size: u32,
             metadata: u32, metadata_size: u32, message: u32, message_size: u32, timeout_ms: u32, token: u32);
        proxy_grpc_stream => calls::grpc_stream,
            (cluster: u32, cluster_size: u32, service: u32, service_size: u32, method: u32, method_size: u32,
             metadata: u32, metadata_size: u32, token: u32);
        proxy_grpc_send => calls::grpc_send, (token: u32, message: u32, size: u32, end: u32);
        proxy_grpc_cancel => calls::grpc_end, (token: u32);
        proxy_grpc_close => calls::grpc_end, (token: u32);
    }
    system::link_wasi(linker)
}

/// Converts the result of a host call into the status that the guest gets.
fn finish(result: Result<(), HostCallError>) -> wasmtime::Result<u32> {
    match result {
        Ok(()) => Ok(Status::Ok as u32),
        Err(HostCallError::Status(status)) => Ok(status as u32),
        Err(HostCallError::Trap(error)) => Err(error),
    }
}

/// Ends a host call with a status and no other result.
fn status(status: Status) -> Result<(), HostCallError> {
    match status {
        Status::Ok => Ok(()),
        other => Err(HostCallError::Status(other)),
    }
}
