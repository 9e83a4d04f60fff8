//! Jaeger's own protocols.
//!
//! - [`model`]: spans as Jaeger shows them, for its JSON and its gRPC

pub mod model;
