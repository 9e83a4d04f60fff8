//! Jaeger's requests over gRPC.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::jaeger::proto(data));
