//! The engine behind the contract of `wit/`: nothing is decided here, values are only carried across.
//!
//! - `meter`: policies and exchanges, and the order of calls: one out of order is an error value, never a trap
//! - `judge`: questions to judges
//! - `convert`: the engine's values as the contract's. Each record of the engine is taken apart there field by field, so
//!   that a field which is new there does not compile before it is carried, or left out by name
//!
//! What is not here: an import. Times and random numbers come from the host, and the host makes the calls.
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

    /// What the exports belong to; it has no state of its own.
    pub(crate) struct Component;
}
