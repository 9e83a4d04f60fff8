//! The doors of the query port, asked through the router over the reference engine.

#![expect(clippy::unwrap_used, reason = "a test speaks by panicking")]

mod any_bytes;
mod budgets;
mod golden;
mod jaeger_v1;
mod transform;
mod world;
