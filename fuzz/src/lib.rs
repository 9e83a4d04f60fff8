//! What each fuzz target demands of its decoder, besides that it returns.

pub mod context;
pub mod inflate;
pub mod jaeger;
pub mod otlp;
pub mod questions;
pub mod recording;
pub mod redact;
pub mod zipkin;
