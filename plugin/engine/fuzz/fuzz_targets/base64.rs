//! libFuzzer's entry to `llm_gauge_engine_fuzz::base64`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| llm_gauge_engine_fuzz::base64::check(input));
