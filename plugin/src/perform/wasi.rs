//! Two calls that every proxy-wasm host offers beside the ABI: a clock that never steps back (the ABI's own
//! is the wall clock) and random bytes.

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    pub(super) fn clock_time_get(clock_id: u32, precision: u64, time_ns: *mut u64) -> u32;
    pub(super) fn random_get(buffer: *mut u8, length: usize) -> u32;
}
