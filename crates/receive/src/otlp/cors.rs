//! Lets the pages of listed websites post their spans. Without a list nothing is answered and browsers refuse.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use listen::Origins;

use crate::reply;

/// How long a browser may remember a preflight, in seconds: the most that browsers honour.
const REMEMBER_SECONDS: HeaderValue = HeaderValue::from_static("7200");

/// Answers preflights of the listed origins and marks replies to them.
pub(super) fn allow(router: Router, origins: Origins) -> Router {
    if origins.is_empty() {
        return router;
    }
    router.layer(from_fn_with_state(Arc::new(origins), answer))
}

async fn answer(State(origins): State<Arc<Origins>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let allowed = origin.filter(|origin| origin.to_str().is_ok_and(|origin| origins.allow(origin)));
    let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut reply = match (&allowed, request.method()) {
        (Some(_), &Method::OPTIONS) if asks => preflight(request.headers()),
        _ => next.run(request).await,
    };
    if let Some(origin) = allowed {
        reply.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    reply.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    reply
}

fn preflight(asked: &HeaderMap) -> Response {
    let mut reply = reply::empty(StatusCode::NO_CONTENT);
    let headers = reply.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBER_SECONDS);
    // Exporters add headers of their own; the origin is what was judged.
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    reply
}
