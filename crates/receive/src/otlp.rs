//! OTLP: one router for both of its transports.
//!
//! 4317 and 4318 are told apart by habit alone, and a client that is pointed at the wrong one of them has all it needs:
//! so each port takes gRPC calls and HTTP posts. What is not traces is refused in words, never swallowed.

mod cors;
mod grpc_calls;
mod http_posts;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use listen::Origins;
use span::SourceFormat;
use wire::otlp::ExportReply;

use crate::door::{Decoder, Door, Taken};
use crate::{grpc, reply};

/// The message of both transports.
const PROTO: Decoder = Decoder { decode: wire::otlp::decode_proto, format: Some(SourceFormat::OtlpProto) };

/// Returns the receiver for 4317 and 4318. Pages of the listed origins may post to it.
pub fn otlp(door: Arc<Door>, origins: Origins) -> Router {
    let router = Router::new()
        .merge(grpc_calls::routes(Arc::clone(&door)))
        .merge(http_posts::routes(door, "/v1"))
        .fallback(stranger);
    cors::allow(router, origins)
}

/// Returns the receiver under the query port's `/api/otlp/v1`, where the UI sends its own traces.
pub fn otlp_beside_queries(door: Arc<Door>) -> Router {
    http_posts::routes(door, "/api/otlp/v1")
}

async fn stranger(request: Request) -> Response {
    if grpc::is_call(&request) {
        return grpc::unimplemented(&request, format!("unknown method {}", request.uri().path()));
    }
    if request.uri().path() == "/" {
        return reply::text(StatusCode::OK, "this OTLP receiver is up; it wants POST /v1/traces, or gRPC");
    }
    reply::text(StatusCode::NOT_FOUND, "404 page not found")
}

impl Taken {
    /// A plain success says nothing; a reason without a reject is OTLP's warning.
    fn reply(self) -> ExportReply {
        ExportReply { rejected: self.rejected, message: self.reason.unwrap_or_default() }
    }
}
