//! libFuzzer's entry to `llm_gauge_decode_fuzz::decode_brotli`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| llm_gauge_decode_fuzz::decode_brotli::check(input));
