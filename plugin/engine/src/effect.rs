//! What the shell is asked to do.

/// One request to the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Adds to a counter.
    Count {
        /// The stat's name, labels included.
        stat: String,
        /// At least 1.
        by: u64,
    },
    /// Adds a value to a histogram.
    Observe {
        /// The stat's name, labels included.
        stat: String,
        /// In the unit of the metric's name.
        value: u64,
    },
    /// Moves a gauge.
    Move {
        /// The stat's name, labels included.
        stat: String,
        /// Up or down.
        by: i64,
    },
    /// Sets a gauge.
    Set {
        /// The stat's name, labels included.
        stat: String,
        /// What it is from now on.
        value: u64,
    },
    /// Sets filter state `wasm.llm.KEY`.
    FilterState {
        /// KEY
        key: &'static str,
        /// Its text.
        value: String,
    },
}
