//! Measurements of ingest, query and memory.

#![forbid(unsafe_code)]

fn main() {}
