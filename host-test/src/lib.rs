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
//! - [`proxy_state`]: what several workers of one proxy share: metrics, shared data, queues, the clock
//! - [`abi`]: the import table: decode guest memory, ask the host, encode the answer
//! - [`header_map`]: headers, and the bytes they travel in
//! - [`failure`]: what ends a guest, with the callback it happened in
//! - [`component`]: the engine as a component, and how it is built
//! - [`replay`]: recorded exchanges, run through the filter or the component; [`rules`]: which rules of a format they need
//!
//! What is not in the host: no thread, no sleep, no wall clock, no network; and nothing knows what an LLM is.
//!
//! What a filter can only show in a real proxy is tested with the package `simulators`, which has Envoy, providers,
//! judges and receivers; the operator's command is the package `gauge`.
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
