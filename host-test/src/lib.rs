//! A proxy-wasm host.
pub mod case;
pub mod native;
