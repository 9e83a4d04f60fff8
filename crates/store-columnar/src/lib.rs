//! The embedded engine: WAL, head, columnar segments.

#![forbid(unsafe_code)]
#![expect(dead_code, reason = "the rooms are laid before the engine that lives in them")]

mod part;
