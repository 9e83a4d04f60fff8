//! Zipkin's spans as protobuf.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::zipkin::proto(data));
