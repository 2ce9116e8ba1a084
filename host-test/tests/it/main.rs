//! The test suite: one binary, so that the host and wasmtime are linked once.

// What the host calls mean, held against what Envoy was measured to do.
mod abi;
// One stream through the phases: endings, pauses, local replies.
mod streams;
// What ends a guest: memory, fuel, panics, misuse; and that it ends no other.
mod limits;
