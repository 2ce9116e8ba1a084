//! Calls of the proxy-wasm ABI that are not made by the SDK.

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    pub(super) fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    pub(super) fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    pub(super) fn proxy_register_shared_queue(name: *const u8, name_size: usize, queue: *mut u32) -> u32;
    pub(super) fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        data: *const u8,
        size: usize,
        result: *mut *mut u8,
        result_size: *mut usize,
    ) -> u32;
    pub(super) fn proxy_enqueue_shared_queue(queue: u32, item: *const u8, item_size: usize) -> u32;
    pub(super) fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        version: *mut u32,
    ) -> u32;
    pub(super) fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        version: u32,
    ) -> u32;
    pub(super) fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    pub(super) fn proxy_done() -> u32;
    pub(super) fn proxy_get_current_time_nanoseconds(time_ns: *mut u64) -> u32;
    pub(super) fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    pub(super) fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        bytes: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
}
