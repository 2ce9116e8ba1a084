//! Random bytes for the ids of exchanges.

use crate::perform;

/// The number of random bytes for the ids of one exchange.
const EXCHANGE_RANDOM_BYTES: usize = 24;

/// The number of exchanges whose bytes are fetched at once.
const EXCHANGES_AT_ONCE: usize = 64;

/// Random bytes, which are fetched for many exchanges at once, since a host call costs more than the bytes.
#[derive(Default)]
pub(crate) struct Random(Vec<[u8; EXCHANGE_RANDOM_BYTES]>);

impl Random {
    /// Returns the random bytes for the next exchange.
    pub(crate) fn next(&mut self) -> [u8; EXCHANGE_RANDOM_BYTES] {
        self.0.pop().unwrap_or_else(|| {
            self.0.resize(EXCHANGES_AT_ONCE, [0; EXCHANGE_RANDOM_BYTES]);
            perform::fill_random(self.0.as_flattened_mut());
            self.0.pop().unwrap_or_default()
        })
    }
}
