//! Jaeger's own gRPC, on 14250: `PostSpans`, and the sampling polls that the same clients send.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;

use crate::door::{Decoder, Door};
use crate::grpc;
use crate::protocol::Protocol;
use crate::sampling::{Sampling, grpc as sampling_grpc};
use crate::status::Status;

const POST_SPANS: Decoder = Decoder { decode: wire::jaeger::decode_proto, format: None };

/// Returns the receiver for 14250.
pub fn jaeger_grpc(door: Arc<Door>, sampling: Arc<Sampling>) -> Router {
    Router::new()
        .route("/jaeger.api_v2.CollectorService/PostSpans", post(post_spans))
        .with_state(Arc::clone(&door))
        .merge(sampling_grpc::sampling_grpc(door, sampling))
}

async fn post_spans(State(door): State<Arc<Door>>, request: Request) -> Response {
    grpc::unary(&door, request, async |message| {
        match door.take(Protocol::JaegerGrpc, message, POST_SPANS).await {
            // Its reply has no field to say that some spans were bad; they are counted.
            Ok(_) => Ok(Vec::new()),
            Err(refusal) => Err(Status::from(&refusal)),
        }
    })
    .await
}
