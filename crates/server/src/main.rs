//! The binary tracewell.

#![forbid(unsafe_code)]

fn main() {}
