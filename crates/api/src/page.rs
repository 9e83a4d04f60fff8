//! The page that asks: plain HTML, CSS and JavaScript from a fixed table, made without any build tool.
//!
//! Every path that is no API's shows the page, which reads the path itself; so Jaeger's own links
//! (`/search?..`, `/trace/ID`) lead where they should. Files are known by name alone: there is nothing
//! to climb out of.

mod redirects;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use crate::no_door::page_not_found;

pub use redirects::from_zipkin_port;

/// Whether the page has places of its own, `/traces` and `/map`: then Jaeger's links are led there. A page that reads
/// Jaeger's paths itself is left alone.
const HAS_PLACES: bool = false;

/// Nothing but what this server serves is loaded, and no other site may give the page a base or be
/// sent its forms.
const POLICY: &str = "default-src 'self'; base-uri 'self'; form-action 'self'; object-src 'none'";

struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

const HTML: Asset = Asset {
    name: "page.html",
    content_type: "text/html; charset=utf-8",
    bytes: include_bytes!("../assets/page.html"),
};

const SCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: [Asset; 8] = [
    Asset {
        name: "page.css",
        content_type: "text/css; charset=utf-8",
        bytes: include_bytes!("../assets/page.css"),
    },
    Asset { name: "mark.svg", content_type: "image/svg+xml", bytes: include_bytes!("../assets/mark.svg") },
    Asset { name: "page.js", content_type: SCRIPT, bytes: include_bytes!("../assets/page.js") },
    Asset { name: "dom.js", content_type: SCRIPT, bytes: include_bytes!("../assets/dom.js") },
    Asset { name: "forest.js", content_type: SCRIPT, bytes: include_bytes!("../assets/forest.js") },
    Asset { name: "search.js", content_type: SCRIPT, bytes: include_bytes!("../assets/search.js") },
    Asset { name: "trace.js", content_type: SCRIPT, bytes: include_bytes!("../assets/trace.js") },
    Asset { name: "calls.js", content_type: SCRIPT, bytes: include_bytes!("../assets/calls.js") },
];

/// Returns the doors of the page's files.
pub(crate) fn router() -> Router {
    Router::new().route("/static/{file}", get(file))
}

/// Shows the page wherever no other door is, but not under `/api/`, where programs ask.
pub(crate) async fn anywhere_else(request: Request) -> Response<Body> {
    let path = request.uri().path();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads || path == "/api" || path.starts_with("/api/") || path.starts_with("/static/") {
        return page_not_found().await;
    }
    let place = match HAS_PLACES {
        true => redirects::of_jaeger(request.uri()),
        false => redirects::of_zipkin(path).filter(|place| place.starts_with("/trace/")),
    };
    match place.as_deref().and_then(redirects::to) {
        Some(elsewhere) => elsewhere,
        None => serve(&HTML, request.headers()),
    }
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response<Body> {
    match FILES.iter().find(|asset| asset.name == name) {
        Some(asset) => serve(asset, &headers),
        None => page_not_found().await,
    }
}

/// Sends a file, or says that the browser has it already.
fn serve(asset: &Asset, asked: &HeaderMap) -> Response<Body> {
    let tag = format!("\"{:016x}\"", fnv(asset.bytes));
    let known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let body = if known { Body::empty() } else { Body::from(Bytes::from_static(asset.bytes)) };
    let mut reply = Response::new(body);
    if known {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    reply
}

/// FNV-1a: tells versions of a file apart.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
