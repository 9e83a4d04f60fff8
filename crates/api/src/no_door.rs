//! What stands where no door is.

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};

/// Answers a path, or a method, that nobody knows: in the words of Go's router, which clients of Jaeger
/// have always been told.
pub(crate) async fn page_not_found() -> Response<Body> {
    let mut reply = Response::new(Body::from("404 page not found\n"));
    *reply.status_mut() = StatusCode::NOT_FOUND;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}
