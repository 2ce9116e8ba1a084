//! The operator's command, `cargo gauge`; each subcommand is a module.
//!
//! Before the filter is deployed:
//! - [`build`]: the filter, or the engine as a component; [`check`]: a plugin configuration;
//!   [`formats`]: what is read
//! - [`demo`]: the filter in a real Envoy between simulated providers and clients, with a verdict
//! - [`replay`]: recorded exchanges through the real wasm; [`evaluate`]: scored by a judge, as a gate for a team's CI
//! - [`new_case`]: a case from a response's body, for who adds a provider
//! - [`prices`]: the table of prices, from the PyPI package genai-prices
//!
//! When it is:
//! - [`image`] and [`manifest`]: what gateways and the Prometheus operator load in Kubernetes
//! - [`dashboards`]: Grafana's dashboards, from one table, and pictures of them
//! - [`observe`]: Prometheus and Alertmanager with the shipped rules, over a real Envoy
//! - [`collect`] and [`review`]: the package `collector` as commands
//!
//! Nothing here compiles or runs wasm in this process. What does is a command of the package `host-test`, which
//! `wasm_host` builds and starts when it is asked for: so the demo of a fresh clone builds no wasmtime.

// `println!` panics where the reader has gone: see `simulators::console`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod build;
pub mod check;
pub mod demo;
pub mod evaluate;
pub mod formats;
pub mod new_case;
pub mod prices;
pub mod replay;

pub mod collect;
pub mod dashboards;
pub mod image;
pub mod manifest;
pub mod observe;
pub mod review;

mod wasm_host;
