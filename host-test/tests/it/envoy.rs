//! The filter in a real Envoy, run with the bootstrap that operators copy, between a client and a provider of
//! the harness. Every test compares all series of its own model with what they have to be, and waits for the
//! gauge of running exchanges to be back at zero.

mod answers;
mod clocks;
mod config;
mod cost;
mod crowd;
mod encodings;
mod endings;
mod feedback;
mod gateways;
mod judge;
mod labels;
pub(crate) mod official_clients;
mod promtool;
mod ratelimit;
mod rig;
mod telemetry;
mod usage_on_request;
