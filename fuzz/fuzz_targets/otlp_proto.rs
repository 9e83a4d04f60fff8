//! OTLP requests as protobuf.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::otlp::proto(data));
