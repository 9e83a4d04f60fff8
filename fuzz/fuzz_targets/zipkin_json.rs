//! Zipkin's spans as JSON, of both generations.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::zipkin::json(data));
