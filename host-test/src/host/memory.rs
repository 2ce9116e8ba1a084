//! The bound on a guest's linear memory.

use wasmtime::ResourceLimiter;

/// How much memory a guest may have, and how much it came to have. It never shrinks, as wasm memory never does.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Most bytes of linear memory.
    pub bytes_max: usize,
    /// Bytes of linear memory: `bytes <= bytes_max`.
    pub bytes: usize,
    /// Whether a wish for more was ever refused.
    pub refused: bool,
}

impl Memory {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, bytes: 0, refused: false }
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
            self.refused = true;
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
