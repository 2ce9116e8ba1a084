//! The environment of the filter in tests, benches and the demo.
//!
//! A real proxy:
//! - [`envoy`]: a real Envoy with the filter in it, run with variants of `envoy/bootstrap.yaml`
//! - [`build`]: the filter and the test guests, built for wasm
//!
//! Servers that the filter talks to, each with a ledger of the requests it received:
//! - [`provider`]: simulated OpenAI and Anthropic servers, scripted; [`load`]: their clients
//! - [`judge`]: a judge that counts words in place of a model
//! - [`receiver`]: receives spans and events, decoded by the official definitions
//! - [`ratelimit`]: a rate-limit service that Envoy queries and reports usage to
//!
//! Recorded exchanges:
//! - [`case`]: recorded exchanges, and the results that a meter has to compute for them
//! - [`native`]: the bare engine, run on them
//!
//! The helpers of these: [`workspace`] finds files, [`process`] runs servers as child processes, [`python`] installs
//! packages from PyPI, [`listen`] is a loopback port, [`console`] prints for commands.
//!
//! Nothing here compiles wasm: that is the task of the package `host-test`.

// `println!` panics if the reader has closed the pipe: see `simulators::console`.
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
