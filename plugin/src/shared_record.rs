//! A small record in the proxy's shared data, which all workers update: each reads it, computes the new value, and swaps
//! that in unless another worker was faster.

use crate::perform::{self, Swap};

/// How often an update is attempted while other workers are faster.
const SWAPS_MAX: usize = 32;

/// Creates the record if there is none. The proxy configures its main thread before its workers, so that each of these
/// finds a version to swap against.
pub(crate) fn create(key: &str, first: &[u8]) {
    if perform::shared_data(key).is_none() {
        perform::swap_shared_data(key, first, 0);
    }
}

/// Updates the record to what `update` returns, unless that is an error. Returns `false` if the host shares no data, or
/// if other workers were faster each time.
pub(crate) fn update<B: AsRef<[u8]>, E>(
    key: &str,
    update: impl Fn(&[u8]) -> Result<B, E>,
) -> Result<bool, E> {
    for _ in 0..SWAPS_MAX {
        let Some((bytes, version)) = perform::shared_data(key) else {
            break;
        };
        match perform::swap_shared_data(key, update(&bytes)?.as_ref(), version) {
            Swap::Done => return Ok(true),
            Swap::Raced => {}
            Swap::Refused => break,
        }
    }
    Ok(false)
}
