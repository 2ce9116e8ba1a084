//! The test suite: one binary, so that the host and wasmtime are linked once.

// The filter that makes the host calls of a script.
mod probe;

// The semantics of the host calls of a stream, the clock and WASI.
mod abi;
// Failures that end a guest: memory, fuel, panics, misuse.
mod limits;
mod memory;
mod series;
// State that outlives a stream: metrics, shared data, queues, callouts.
mod shared;
// One stream through the phases: endings, pauses, local replies.
mod streams;

// Helpers: the filter as it ships, cases spread over threads, and the counts.
mod common;

// The project's own cases, at every cut.
mod cases;
// Recorded traffic of real providers, if it is on this machine.
mod corpus;
// The component: the order of calls, versions, the contract's names.
mod component;
// The error of estimates on the recordings.
mod estimate;

// The fuel of exchanges, and the memory of open streams.
mod fuel;

// The filter in a real Envoy.
mod envoy;
// Any case with any cuts and any end.
mod splits;
// Two instances in one filter chain, and configurations that replace each other.
mod chain;
// Requests that are rewritten, and streams from which a chunk is removed.
mod usage_on_request;
// The judge: every failure, and an outcome for everything sampled.
mod judge;
// Spans and scores: their contents, every failure on their way, and its counts.
mod telemetry;
// Feedback: every cutting of its request, every reply, and no request to the upstream.
mod feedback;
// Hostile heads and bodies, every order of callbacks, every bound.
mod faults;
// The cost of exchanges, compared with the package that prices come from.
mod prices;
// The files in envoy/ that gateways load.
mod deploy;
// Rules, routes, dashboards and runbooks, tested with Prometheus and Alertmanager.
mod operator;
// `cargo replay`.
mod cli;
// The repository itself: layering, sizes, names, language, configurations.
mod tidy;
