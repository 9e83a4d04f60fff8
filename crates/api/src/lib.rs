//! APIs out.

#![forbid(unsafe_code)]
