//! Protocols in: OTLP, Jaeger and Zipkin by gRPC, HTTP and UDP, and the sampling polls of their clients.
//!
//! Each receiver is a function that takes the [`Door`] and returns a router, to be mounted on a listener, or a loop over
//! datagram sockets. All of them do the same: read a message within its limits, have `wire` decode it, offer the
//! batch to the intake, and say in the sender's own codes what became of it. An acknowledgement means stored;
//! everything else is counted by protocol and cause ([`Stats`]).
//!
//! Deliberately absent: sockets and connections (`listen`), any look inside a span (`wire`, `pipeline`), queries.

#![forbid(unsafe_code)]

mod body;
mod datagrams;
mod door;
mod grpc;
mod inflate;
mod jaeger_grpc;
mod jaeger_http;
mod message;
mod otlp;
mod pool;
mod protocol;
mod refusal;
mod reply;
mod request;
mod sampling;
mod stats;
mod status;
mod zipkin;

pub use datagrams::{datagram, datagrams};
pub use door::{Config, Door};
pub use jaeger_grpc::jaeger_grpc;
pub use jaeger_http::jaeger_http;
pub use otlp::{otlp, otlp_beside_queries};
pub use protocol::Protocol;
pub use refusal::Cause;
pub use sampling::{
    NoStrategies, Sampling, Strategies, Strategy, StrategyKind, sampling_grpc, sampling_http,
};
pub use stats::{CauseStats, ProtocolStats, Stats};
pub use zipkin::zipkin;
