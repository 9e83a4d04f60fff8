//! Protocols in.

#![forbid(unsafe_code)]
