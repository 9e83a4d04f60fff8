//! The doors of the query ports, asked through the routers over the reference engine.

#![expect(clippy::unwrap_used, reason = "a test speaks by panicking")]

mod any_bytes;
mod budgets;
mod golden;
mod grpc;
mod jaeger_v1;
mod jaeger_v3;
mod native;
mod page;
mod schema;
mod transform;
mod world;
