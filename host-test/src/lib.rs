//! A deterministic, observable proxy-wasm host.
//!
//! It replaces Envoy where a test needs to see the effects of a filter: every metric, log line, callout and byte is a
//! plain value, the clock moves only when the test advances it, and random numbers come from a seed. It is as strict as
//! Envoy in the cases that crash a worker. A header read outside its phase returns the status on which the SDK panics,
//! and a resume of a stream that was not paused is an error here, because it is a crash in Envoy.
//!
//! Reading order:
//! - [`mod@drive`]: one HTTP stream through the phases, from an [`Exchange`] to a [`StreamReport`]
//! - [`guest`]: a compiled [`Module`], and its running instances, the [`Guest`]s
//! - [`host`]: the host side of a guest's imports, with every effect visible to a test
//! - [`proxy_state`]: the state that the workers of one proxy share: metrics, shared data, queues, the clock
//! - [`abi`]: the import table: decodes guest memory, calls the host, encodes the answer
//! - [`header_map`]: header maps, and their encoding between host and guest
//! - [`failure`]: the failures that end a guest, with the callback in which they happened
//! - [`component`]: the engine as a component, and its build
//! - [`replay`]: recorded exchanges, run through the filter or the component;
//!   [`rules`]: the rules of a format that they need
//!
//! The host has no threads, no sleep, no wall clock and no network, and it does not know what an LLM is.
//!
//! Behaviour that only shows in a real proxy is tested with the package `simulators`, which has Envoy, providers,
//! judges and receivers. The operator's command is the package `gauge`.
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
pub mod proxy_state;

pub mod abi;
pub mod header_map;

pub mod failure;

pub mod component;
pub mod replay;
pub mod rules;

pub use drive::{ChunkPlan, ClockPlan, Cut, Ending, Exchange, LocalReply, Stream, StreamReport, drive};
pub use failure::{Failure, FailureKind};
pub use guest::{Guest, Module, Options};
pub use header_map::Headers;
pub use host::{Action, CallAnswer, Callout, Host, LogLevel, Status};
pub use proxy_state::SharedProxyState;
