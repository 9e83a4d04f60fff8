//! The only runner: tidy, proto, test.

#![forbid(unsafe_code)]

fn main() {}
