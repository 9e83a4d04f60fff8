//! Trace context in headers.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::context::headers(data));
