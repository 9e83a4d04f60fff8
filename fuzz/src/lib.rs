//! What each fuzz target demands of its decoder, besides that it returns.

pub mod inflate;
pub mod otlp;
