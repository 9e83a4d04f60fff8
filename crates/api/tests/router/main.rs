//! The doors of the query port, asked through the router over the reference engine.

#![expect(clippy::unwrap_used, reason = "a test speaks by panicking")]

mod budgets;
mod jaeger_v1;
mod world;
