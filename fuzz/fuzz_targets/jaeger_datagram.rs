//! Calls of thrift over UDP.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::jaeger::datagram(data));
