//! The few shapes of plain HTTP replies that all receivers use.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use crate::refusal::Refusal;
use crate::status::RETRY_SECONDS;

/// Returns a line of text with a line's end, as Go's `http.Error` writes it.
pub(crate) fn text(status: StatusCode, line: impl AsRef<str>) -> Response {
    let body = format!("{}\n", line.as_ref());
    let mut reply = with_type(status, "text/plain; charset=utf-8", body);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    reply
}

/// Returns a body of a type.
pub(crate) fn with_type(status: StatusCode, media_type: &'static str, body: impl Into<Body>) -> Response {
    let mut reply = Response::new(body.into());
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    reply
}

/// Returns a reply without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut reply = Response::new(Body::empty());
    *reply.status_mut() = status;
    reply
}

/// Returns the status of a refusal, where a protocol leaves us the choice.
pub(crate) fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Malformed(_) | Refusal::Encoding { .. } | Refusal::BrokenOff => StatusCode::BAD_REQUEST,
        Refusal::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::Slow(_) => StatusCode::REQUEST_TIMEOUT,
        Refusal::Busy | Refusal::Full(_) => StatusCode::TOO_MANY_REQUESTS,
        Refusal::NotStored(_) if !refusal.is_passing() => StatusCode::INTERNAL_SERVER_ERROR,
        Refusal::Closed | Refusal::NotStored(_) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Broke => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Tells the sender when to come again, where that can help.
pub(crate) fn with_retry(mut reply: Response, refusal: &Refusal) -> Response {
    if refusal.is_passing() {
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
    }
    reply
}
