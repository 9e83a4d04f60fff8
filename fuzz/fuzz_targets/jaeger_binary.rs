//! Bare batches of thrift over HTTP.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::jaeger::bare(data));
