//! The question language.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| demands::questions::text(data));
