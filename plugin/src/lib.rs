//! The proxy-wasm shell around `llm-gauge-engine`: it passes the proxy's callbacks to exchanges, and performs their
//! effects by host calls. It decides nothing itself.
//!
//! It is built for `wasm32-unknown-unknown`. For other targets this crate is empty, so that no native build can call
//! a host.
//!
//! - `root`: the root context, with configuration, timers and the responses to callouts
//! - `stream`: the context of one HTTP stream; `stream_rewrite` edits its bodies for usage on request, and
//!   `held_requests` bounds the wait for a held one
//! - `plugin_state`: the state that all contexts of a configuration share
//! - `chain`: finds a second instance of the filter in one filter chain
//! - `callouts`: the calls of the root context, for each `callout_owner`: `judge` and `exporter`; `callout_mark` tells
//!   them from the calls of clients
//! - `feedback`: the endpoint for users' feedback
//! - `shared_data`: records that all workers update, such as `shared_budget` and the registry in `series`
//! - `build_info`: the gauge of the build and its configuration
//! - `timer`: the one timer that several users share
//! - `perform`: all host calls; `names` and `random` are caches of what they need

#![cfg(target_arch = "wasm32")]

mod build_info;
mod callout_mark;
mod callout_owner;
mod callouts;
mod chain;
mod exporter;
mod feedback;
mod held_requests;
mod judge;
mod names;
mod perform;
mod plugin_state;
mod random;
mod root;
mod series;
mod shared_budget;
mod shared_data;
mod stream;
mod stream_rewrite;
mod timer;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(root::Root::default()));
}}
