//! The test suite: one binary, so that the host and wasmtime are linked once.

// The filter that makes the host calls it is told to.
mod probe;

// What the host calls of a stream, the clock and WASI mean.
mod abi;
// What ends a guest: memory, fuel, panics, misuse; and that it ends no other.
mod limits;
mod memory;
mod series;
// What outlives a stream: metrics, shared data, queues, callouts.
mod shared;
// One stream through the phases: endings, pauses, local replies.
mod streams;

// The filter as it ships, cases spread over threads, and what was counted.
mod common;

// The project's own cases, at every cut.
mod cases;
// Recorded traffic of real providers, where it lies on this machine.
mod corpus;
// The component: the order of calls, versions, the contract's names.
mod component;
// How far estimates are from what they reported.
mod estimate;

// What exchanges cost, and what open streams hold.
mod fuel;

// The filter in a real Envoy.
mod envoy;
// Any case, any cuts, any end.
mod splits;
// Requests that are rewritten, streams from which a chunk is taken out.
mod usage_on_request;
// The judge: every failure, and that nothing sampled is lost.
mod judge;
// Spans and scores: what leaves, everything that can happen to it, and that it is counted.
mod telemetry;
// Feedback: every cutting of its request, every reply, and that no upstream hears of it.
mod feedback;
// Hostile heads and bodies, every order of callbacks, every bound.
mod faults;
// What exchanges cost, held against the package that prices come from.
mod prices;
// What gateways load from envoy/.
mod deploy;
// Rules, routes, dashboards and runbooks, and Prometheus and Alertmanager on them.
mod operator;
// `cargo replay`.
mod cli;
// The repository itself: directions, budgets, names, configurations.
mod tidy;
