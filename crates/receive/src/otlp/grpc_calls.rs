//! `TraceService/Export`, and its siblings for what is not kept here.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;

use super::PROTO;
use crate::door::Door;
use crate::grpc;
use crate::protocol::Protocol;
use crate::status::Status;

const COLLECTOR: &str = "/opentelemetry.proto.collector";

pub(super) fn routes(door: Arc<Door>) -> Router {
    Router::new()
        .route(&format!("{COLLECTOR}.trace.v1.TraceService/Export"), post(export))
        .route(&format!("{COLLECTOR}.logs.v1.LogsService/Export"), post(not_kept))
        .route(&format!("{COLLECTOR}.metrics.v1.MetricsService/Export"), post(not_kept))
        .with_state(door)
}

async fn export(State(door): State<Arc<Door>>, request: Request) -> Response {
    grpc::unary(&door, request, async |message| match door.take(Protocol::OtlpGrpc, message, PROTO).await {
        Ok(taken) => Ok(taken.reply().encode_proto()),
        Err(refusal) => Err(Status::from(&refusal)),
    })
    .await
}

async fn not_kept(request: Request) -> Response {
    grpc::unimplemented(&request, "this server keeps traces; logs and metrics have another place")
}
