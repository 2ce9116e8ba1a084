//! A small record in the proxy's shared data that all workers update by compare-and-swap: each reads it, computes the
//! new value, and tries again if another worker was faster.

use crate::perform::{self, SwapResult};

/// The number of attempts while other workers are faster.
const SWAPS_MAX: usize = 32;

/// Creates the record if there is none. The proxy configures its main thread before its workers, so that each worker
/// finds a version to compare with.
pub(crate) fn create(key: &str, first: &[u8]) {
    if perform::shared_data(key).is_none() {
        perform::swap_shared_data(key, first, 0);
    }
}

/// Updates the record to the result of `update`, unless that is an error. Returns `false` if the host shares no data,
/// or if other workers were faster each time.
pub(crate) fn update<B: AsRef<[u8]>, E>(
    key: &str,
    update: impl Fn(&[u8]) -> Result<B, E>,
) -> Result<bool, E> {
    for _ in 0..SWAPS_MAX {
        let Some((bytes, version)) = perform::shared_data(key) else {
            break;
        };
        match perform::swap_shared_data(key, update(&bytes)?.as_ref(), version) {
            SwapResult::Done => return Ok(true),
            SwapResult::Conflict => {}
            SwapResult::Refused => break,
        }
    }
    Ok(false)
}
