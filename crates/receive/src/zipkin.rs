//! Zipkin, on 9411: v1 and v2, in every encoding that its senders have.
//!
//! The path tells the version, the content type the encoding. Senders are configured with all kinds of paths, so a
//! POST anywhere is spans. Browsers ask too, and `api` answers them on the same port: this router leaves GET to it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use wire::zipkin::{self, Debug};
use wire::{DecodeError, Decoded};

use crate::door::{Decoder, Door, Taken};
use crate::protocol::Protocol;
use crate::{reply, request};

const UP: &str = "this Zipkin receiver is up; it wants POST /api/v2/spans (or /api/v1/spans) with spans";

/// Returns the receiver for 9411. Its fallback takes every POST and has a line for the rest.
pub fn zipkin(door: Arc<Door>) -> Router {
    Router::new()
        .route("/api/v2/spans", post(spans))
        .route("/api/v1/spans", post(spans))
        .fallback(spans)
        .method_not_allowed_fallback(spans)
        .with_state(door)
}

async fn spans(State(door): State<Arc<Door>>, request: Request) -> Response {
    match *request.method() {
        Method::POST => {}
        Method::GET | Method::HEAD if request.uri().path() == "/" => return reply::text(StatusCode::OK, UP),
        _ => return reply::text(StatusCode::METHOD_NOT_ALLOWED, UP),
    }
    let first_version = request.uri().path().contains("api/v1/spans");
    let media_type = request::media_type(request.headers());
    let debug = debug(request.headers());
    let decode: fn(Bytes, Debug) -> Result<Decoded, DecodeError> = match (first_version, &*media_type) {
        (true, "application/x-thrift") => zipkin::decode_thrift,
        (true, _) => zipkin::decode_json_v1,
        (false, "application/x-protobuf") => zipkin::decode_proto,
        (false, _) => zipkin::decode_json_v2,
    };
    let decoder = Decoder { decode: move |body| decode(body, debug), format: None };
    let message = request::message(&door, request).await;
    match door.take(Protocol::ZipkinHttp, message, decoder).await {
        Ok(Taken { stored: 0, rejected: 1.., reason }) => {
            // Zipkin has no partial success. Of a mix the good spans count; nothing but bad ones is a bad request.
            let reason = reason.unwrap_or_else(|| "no span could be read".to_owned());
            reply::text(StatusCode::BAD_REQUEST, reason)
        }
        Ok(_) => reply::empty(StatusCode::ACCEPTED),
        Err(refusal) => {
            let reply = reply::text(reply::status_of(&refusal), refusal.to_string());
            reply::with_retry(reply, &refusal)
        }
    }
}

/// A reporter may ask for all the spans of a request at once.
fn debug(headers: &HeaderMap) -> Debug {
    match headers.get("x-b3-flags") {
        Some(flags) if flags == "1" => Debug::Forced,
        _ => Debug::AsSent,
    }
}
