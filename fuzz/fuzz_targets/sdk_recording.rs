//! Spans that the SDK writes.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::recording::acts(data));
