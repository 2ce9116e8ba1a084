//! The proxy-wasm shell around `llm-gauge-engine`: it passes the proxy's callbacks to exchanges, and performs their
//! effects by host calls. It decides nothing itself.
//!
//! It is built for `wasm32-unknown-unknown`. For other targets this crate is empty, so that no native build can call
//! a host.

#![cfg(target_arch = "wasm32")]

mod callout_owner;
mod callouts;
mod exporter;
mod feedback;
mod held_requests;
mod judge;
mod names;
mod perform;
mod root;
mod series;
mod shared;
mod shared_budget;
mod shared_record;
mod stream;
mod stream_rewrite;
mod timer;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(root::Root::default()));
}}
