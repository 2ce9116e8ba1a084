//! The filter in a real Envoy with the shipped bootstrap, between a client and a simulated provider. Every test
//! compares all series of its own model with the expected ones, and waits until no exchange is active.

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
