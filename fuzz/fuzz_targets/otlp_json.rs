//! OTLP requests as JSON.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::otlp::json(data));
