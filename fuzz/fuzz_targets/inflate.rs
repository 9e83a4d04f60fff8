//! Compressed bodies.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::inflate::body(data));
