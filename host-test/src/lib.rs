//! A proxy-wasm host.
pub mod build;
pub mod case;
pub mod demo;
pub mod envoy;
pub mod load;
pub mod native;
pub mod provider;
