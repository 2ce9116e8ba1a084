//! A proxy-wasm host.

pub mod build;
pub mod envoy;
pub mod load;

pub mod provider;
