//! Bodies (JSON documents in a row, arrays of them, event streams) against naive readings of the whole. Input: what the
//! head says, two places to cut at, then the body.
#![no_main]

use libfuzzer_sys::fuzz_target;

mod cut;
mod twin;

fuzz_target!(|input: &[u8]| {
    let Some((&[what, cuts @ ..], body)) = input.split_first_chunk::<3>() else { return };
    twin::check(body, cuts, what & 1 != 0, what & 2 != 0);
});
