//! The contract every engine fulfils, the in-memory reference engine, and the conformance suite.

#![forbid(unsafe_code)]
