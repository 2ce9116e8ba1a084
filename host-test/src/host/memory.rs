//! The bound on a guest's linear memory.

use wasmtime::ResourceLimiter;

/// The limit and the size of a guest's memory. The size never shrinks, as wasm memory never does.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Maximum bytes of linear memory.
    pub bytes_max: usize,
    /// Current bytes of linear memory: `bytes <= bytes_max`.
    pub bytes: usize,
    /// The number of refused requests for more.
    pub refusals: u64,
}

impl Memory {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, bytes: 0, refusals: 0 }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = desired <= self.bytes_max;
        if granted {
            self.bytes = self.bytes.max(desired);
        } else {
            self.refusals += 1;
        }
        Ok(granted)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(true)
    }
}
