//! The engine as a WebAssembly component with the interface of `wit/`: nothing is decided here, values are only
//! converted.
//!
//! - `meter`: policies and exchanges, and the order of calls: a call out of order is an error value and never a trap
//! - `judge`: questions to judges
//! - `convert`: conversions between the engine's types and the interface's. Each record of the engine is destructured
//!   there field by field, so that a new field does not compile until it is converted or ignored by name
//!
//! The component imports nothing: times and random numbers come from the host, and the host makes the calls.
#![cfg(target_arch = "wasm32")]

mod convert;
mod judge;
mod meter;

mod contract {
    #![allow(
        clippy::allow_attributes_without_reason,
        clippy::undocumented_unsafe_blocks,
        missing_docs,
        reason = "generated from wit/, where every item is documented"
    )]

    wit_bindgen::generate!({ path: "../../wit", world: "gauge" });

    export!(Component);

    pub(crate) use exports::llm_gauge::evaluation::{judge, meter, types};

    /// The type that implements the exports. It has no state of its own.
    pub(crate) struct Component;
}
