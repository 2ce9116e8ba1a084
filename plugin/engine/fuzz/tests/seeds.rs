//! Replays every file of `seeds/` through the check of its fuzz target.

use std::fs;

use llm_gauge_decode_fuzz::{replay, replay_targets};
use llm_gauge_engine::formats;
use llm_gauge_engine_fuzz::{TARGETS, split_anywhere};

replay_targets!(TARGETS, [base64, bodies, form, frames, json_twin, rewrite, split_anywhere, sse_twin]);

#[test]
fn seeds_of_exchanges_are_of_the_format_in_their_file_name() {
    for seed in replay::seeds(env!("CARGO_MANIFEST_DIR").as_ref(), "split_anywhere") {
        let name = seed.file_name().unwrap().to_str().unwrap();
        let input = fs::read(&seed).unwrap();
        let format = str::from_utf8(split_anywhere::split_name(&input).unwrap().0).unwrap();
        assert!(formats::ALL.iter().any(|known| known.name == format), "{name}: no format {format}");
        assert!(name.starts_with(&format!("{format}_")), "{name} is of the format {format}");
    }
}
