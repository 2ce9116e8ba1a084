//! libFuzzer's entry to `llm_gauge_engine_fuzz::json_twin`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| llm_gauge_engine_fuzz::json_twin::check(input));
