//! Two WASI calls that every proxy-wasm host offers in addition to the ABI: a monotonic clock, since the ABI has only
//! the wall clock, and random bytes.

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    pub(super) fn clock_time_get(clock_id: u32, precision: u64, time_ns: *mut u64) -> u32;
    pub(super) fn random_get(buffer: *mut u8, length: usize) -> u32;
}
