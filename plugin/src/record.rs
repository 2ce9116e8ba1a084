//! A small record that all workers change: it is read, worked out anew, and swapped in unless another worker was faster.

use crate::perform::{self, Swap};

/// Workers that change a record at once make a swap fail; so often one tries again.
const SWAPS_MAX: usize = 32;

/// Puts a first record there. The proxy configures its main thread before its workers, so that they all find a version
/// to swap against.
pub(crate) fn begin(key: &str, first: &[u8]) {
    if perform::shared_data(key).is_none() {
        perform::swap_shared_data(key, first, 0);
    }
}

/// Changes it, unless `after` refuses to: that is the error. `false`: the host shares nothing, or others were faster
/// every time.
pub(crate) fn change<B: AsRef<[u8]>, E>(key: &str, after: impl Fn(&[u8]) -> Result<B, E>) -> Result<bool, E> {
    for _ in 0..SWAPS_MAX {
        let Some((bytes, version)) = perform::shared_data(key) else {
            break;
        };
        match perform::swap_shared_data(key, after(&bytes)?.as_ref(), version) {
            Swap::Done => return Ok(true),
            Swap::Raced => {}
            Swap::Refused => break,
        }
    }
    Ok(false)
}
