//! Redaction of an attribute.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::redact::attribute(data));
