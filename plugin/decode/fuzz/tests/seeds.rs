//! Replays every file of `seeds/` through the check of its fuzz target.

use llm_gauge_decode_fuzz::{TARGETS, replay_targets};

replay_targets!(TARGETS, [decode_brotli, decode_gzip, decode_zstd]);
