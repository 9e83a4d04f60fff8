//! A trace in Jaeger's JSON, as files have it.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::jaeger::json(data));
