//! The naive twins of the engine's unit tests, compiled from its sources. They do not use the engine, and refer to each
//! other by `super`.
#![allow(dead_code, reason = "the unit tests use what the checks do not")]

#[path = "../../src/scan/base64/tests/twin.rs"]
pub mod base64_twin;
#[path = "../../src/scan/body/tests/twin.rs"]
pub mod body_twin;
#[path = "../../src/rewrite/chunk_filter/tests/twin.rs"]
pub mod chunk_filter_twin;
#[path = "../../src/scan/form/tests/twin.rs"]
pub mod form_twin;
#[path = "../../src/scan/frames/tests/twin.rs"]
pub mod frames_twin;
#[path = "../../src/scan/json/tests/twin.rs"]
pub mod json_twin;
#[path = "../../src/scan/sse/tests/twin.rs"]
pub mod sse_twin;
#[path = "../../src/rewrite/usage_option/tests/twin.rs"]
pub mod usage_option_twin;
