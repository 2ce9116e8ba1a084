//! A deterministic, observable proxy-wasm host.
//!
//! It stands in for Envoy where a test needs to see what a filter did: every metric, log line, callout and byte is
//! a plain value, the clock moves only when the test says so, and random numbers come from a seed. It is as strict
//! as Envoy is where that kills a worker: a header read outside its phase answers with the status on which the SDK
//! panics, and a resume of what was not paused is an error here because it is a crash there.
//!
//! Reading order:
//! - [`mod@drive`]: one HTTP stream through the phases, from an [`Exchange`] to a [`StreamReport`]
//! - [`guest`]: a compiled [`Module`], and its running instances, the [`Guest`]s
//! - [`host`]: what a guest reaches through its imports, as a test sees it
//! - [`world`]: what several workers of one proxy share: metrics, shared data, queues, the clock
//! - [`abi`]: the import table: decode guest memory, ask the host, encode the answer
//! - [`pairs`]: headers, and the bytes they travel in
//! - [`failure`]: what ends a guest, with the callback it happened in
//! - [`build`]: the filter and the test guests, built for wasm
//! - [`case`], [`replay`]: recorded exchanges, run through the filter; [`native`]: through the bare engine
//! - [`component`]: the engine as a component
//!
//! What is not in the host: no thread, no sleep, no wall clock, no network; and nothing knows what an LLM is.
//!
//! The other half of the harness is for what only a real proxy can show:
//! - [`envoy`]: a real Envoy with the filter in it, run with variants of `envoy/bootstrap.yaml`
//! - [`provider`]: simulated OpenAI and Anthropic servers, scripted, and their ledgers; [`load`]: the clients
//! - [`receiver`]: what takes spans and events, by the official definitions
//! - [`ratelimit`]: a rate-limit service that Envoy asks and charges, and its ledger
//! - [`demo`]: all of them together, with a live table and a verdict
//! - [`observe`]: Prometheus and Alertmanager over them, with the shipped rules
//! - [`dashboards`]: Grafana's dashboards, from one table, and pictures of them
//! - [`mod@collect`]: takes what leaves the filter by OTLP; [`store`]: keeps it in SQLite; [`review`]: what it says of
//!   each week
//!
//! [`evaluate`] is a gate for other people's CI: recorded exchanges, scored through the component.
//! [`check`] says what is wrong with a configuration, and explains its keys.
//! And [`prices`] makes the table of prices; [`python`] installs the packages that it and [`envoy`] are made from;
//! [`image`] and [`manifest`] make what gateways in Kubernetes load.
//!
//! ```no_run
//! use host_test::{ChunkPlan, Exchange, Guest, Headers, Module, Options, drive};
//!
//! # fn main() -> anyhow::Result<()> {
//! let module = Module::from_file("target/plugin/llm_gauge.wasm")?;
//! let mut guest = Guest::start(&module, Options::configured("{}"))?;
//!
//! let request = Headers::request("POST", "api.openai.com", "/v1/chat/completions");
//! let exchange = Exchange::new(request, br#"{"model":"gpt-4o"}"#, Headers::response(200), b"{}");
//! let report = drive(&mut guest, &exchange, &ChunkPlan::every(1))?;
//!
//! assert_eq!(report.client.body, b"{}");
//! assert_eq!(guest.host().metric("llm_active_requests.provider=.=openai;.;"), Some(0));
//! # Ok(())
//! # }
//! ```

pub mod drive;
pub mod guest;
pub mod host;
pub mod world;

pub mod abi;
pub mod pairs;

pub mod build;
pub mod failure;

pub mod case;
pub mod component;
pub mod native;
pub mod replay;

pub mod dashboards;
pub mod demo;
pub mod envoy;
pub mod evaluate;
pub mod judge;
mod listen;
pub mod load;
pub mod observe;
mod process;
pub mod provider;
pub mod ratelimit;
pub mod receiver;

pub mod check;
pub mod collect;
pub mod image;
pub mod manifest;
pub mod review;
pub mod store;

pub mod prices;
pub mod python;

pub use drive::{ChunkPlan, ClockPlan, Cut, Ending, Exchange, LocalReply, Stream, StreamReport, drive};
pub use failure::{Failure, FailureKind};
pub use guest::{Guest, Module, Options};
pub use host::{Action, CallAnswer, Callout, Host, LogLevel, Status};
pub use pairs::Headers;
pub use world::SharedWorld;
