//! Layers of tower that trace servers and clients of HTTP and gRPC.
//!
//! ```
//! use axum::{Router, routing::get};
//!
//! let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(tracewell_tower::server());
//! ```
//!
//! [`server`] makes a span for each request, a child of the caller's: named by method and route, or by
//! the method of gRPC; it ends with the body's last byte, or when the client hangs up. Errors that
//! handlers return and panics are recorded with type, chain and backtrace. One line is logged for each
//! request, also where tracing is off. Probes and scrapes are left alone ([`tracewell::is_excluded`]).
//!
//! [`client`] does the same on the other side: it wraps whatever sends requests, as tonic's channel, and
//! writes the context into their headers.
//!
//! The route is known where the layer is inside of the router, as `Router::layer` puts it.
//!
//! Deliberately absent: metrics, and headers and bodies as attributes.

#![forbid(unsafe_code)]

mod answering;
mod asking;
mod body;
mod call;
mod failure;
mod grpc;

pub use answering::{Server, ServerFuture, ServerLayer, server};
pub use asking::{Client, ClientFuture, ClientLayer, client};
pub use body::TracedBody;
pub use failure::Failure;
#[cfg(feature = "axum")]
pub use failure::HandlerError;
