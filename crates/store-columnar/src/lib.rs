//! The embedded engine: WAL, head, columnar segments.

#![forbid(unsafe_code)]
