//! The operator's command, `cargo gauge`; each subcommand is a module.
//!
//! Before the deployment of the filter:
//! - [`build`]: builds the filter, or the engine as a component; [`check`]: checks a plugin configuration;
//!   [`formats`]: lists the wire formats
//! - [`demo`]: runs the filter in a real Envoy between simulated providers and clients, and checks the metrics
//! - [`replay`]: runs recorded exchanges through the real wasm; [`evaluate`]: has them scored by a judge, as a gate for
//!   a team's CI
//! - [`new_case`]: writes a case from a response's body, for a new provider
//! - [`prices`]: makes the price table from the PyPI package genai-prices
//!
//! After it:
//! - [`image`] and [`manifest`]: resources for gateways and the Prometheus operator in Kubernetes
//! - [`dashboards`]: Grafana's dashboards, from one table, and pictures of them
//! - [`observe`]: Prometheus and Alertmanager with the shipped rules, over a real Envoy
//! - [`collect`] and [`review`]: the package `collector` as commands
//!
//! Nothing here compiles or runs wasm in this process. Commands of the package `host-test` do, and `wasm_host` only
//! builds and starts them when they are needed: so the demo of a fresh clone builds no wasmtime.

// `println!` panics if the reader has closed the pipe: see `simulators::console`.
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

mod private_file;
mod wasm_host;
