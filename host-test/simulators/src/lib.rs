//! What stands around the filter in tests, benches and the demo.
//!
//! A real proxy:
//! - [`envoy`]: a real Envoy with the filter in it, run with variants of `envoy/bootstrap.yaml`
//! - [`build`]: the filter and the test guests, built for wasm
//!
//! What the filter talks to, each with a ledger of what it was sent:
//! - [`provider`]: simulated OpenAI and Anthropic servers, scripted; [`load`]: their clients
//! - [`judge`]: a judge that counts words in place of a model
//! - [`receiver`]: takes spans and events, by the official definitions
//! - [`ratelimit`]: a rate-limit service that Envoy asks and charges
//!
//! What has happened before:
//! - [`case`]: recorded exchanges, and what a meter must make of them
//! - [`native`]: the bare engine, run on them
//!
//! And what these are made from: [`workspace`] knows where files are, [`process`] runs servers beside this process,
//! [`python`] installs packages from PyPI, [`listen`] is a loopback port, [`console`] prints for commands.
//!
//! Nothing here compiles wasm: that is the package `host-test`.

// `println!` panics where the reader has gone: see `simulators::console`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod build;
pub mod envoy;

pub mod judge;
pub mod load;
pub mod provider;
pub mod ratelimit;
pub mod receiver;

pub mod case;
pub mod native;

pub mod console;
pub mod listen;
pub mod process;
pub mod python;
pub mod workspace;
