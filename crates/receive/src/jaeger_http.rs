//! Jaeger's thrift by HTTP, on 14268, with the sampling polls that older Jaegers answered there.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{any, get};
use http::{Method, StatusCode};

use crate::door::{Decoder, Door};
use crate::protocol::Protocol;
use crate::refusal::Refusal;
use crate::sampling::{Sampling, http as sampling_http};
use crate::{reply, request};

const THRIFT: Decoder = Decoder { decode: wire::jaeger::decode_batch_binary, format: None };

const UP: &str = "this Jaeger receiver is up; it wants POST /api/traces with a thrift batch";

/// Returns the receiver for 14268.
pub fn jaeger_http(door: Arc<Door>, sampling: Arc<Sampling>) -> Router {
    Router::new()
        .route("/api/traces", any(traces))
        .route("/", get(async || reply::text(StatusCode::OK, UP)))
        .with_state(door)
        .merge(sampling_http::beside_jaeger(sampling))
        .fallback(async || reply::text(StatusCode::NOT_FOUND, "404 page not found"))
}

/// Basic credentials may come and mean nothing yet.
async fn traces(State(door): State<Arc<Door>>, request: Request) -> Response {
    if request.method() != Method::POST {
        return reply::text(StatusCode::METHOD_NOT_ALLOWED, UP);
    }
    let media_type = request::media_type(request.headers());
    if !matches!(media_type.as_str(), "application/x-thrift" | "application/vnd.apache.thrift.binary") {
        let shown: String = media_type.chars().take(100).collect();
        return reply::text(StatusCode::BAD_REQUEST, format!("Unsupported content type: {shown}"));
    }
    let message = request::message(&door, request).await;
    match door.take(Protocol::JaegerHttp, message, THRIFT).await {
        Ok(_) => reply::empty(StatusCode::ACCEPTED),
        Err(refusal) => refuse(&refusal),
    }
}

fn refuse(refusal: &Refusal) -> Response {
    let status = match refusal {
        // What the engine failed at is 500 here, as Jaeger's clients know it.
        Refusal::NotStored(_) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => reply::status_of(refusal),
    };
    let what = if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        "Cannot submit Jaeger batch"
    } else {
        "Unable to process request body"
    };
    reply::with_retry(reply::text(status, format!("{what}: {refusal}")), refusal)
}
