//! Zipkin's first spans as thrift.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::zipkin::thrift(data));
