//! The UI on the query port: its page on the paths that are its own, its files under a name that changes with them.
//!
//! ```text
//! /assets/BUILD/index.js   kept by browsers for ever: other bytes have another BUILD
//! /, /traces, /trace/ID..  the page, asked for anew each time and answered with 304 where it is known
//! anything else            404; a browser is shown the page all the same, which says so
//! ```
//!
//! Everything is compressed once, at the first question. The page names its base ([`BasePath`]); all other
//! addresses are relative to that.

mod redirects;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::routing::get;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use crate::base_path::BasePath;
use crate::no_door::page_not_found;

pub use redirects::from_zipkin_port;

/// Nothing but what this server serves is loaded, and no other site may give the page a base or be
/// sent its forms.
const POLICY: &str =
    "default-src 'self'; base-uri 'self'; form-action 'self'; object-src 'none'; frame-ancestors 'self'";

/// The first parts of the paths that the page knows.
const PLACES: [&str; 12] = [
    "", "traces", "trace", "compare", "services", "service", "map", "live", "status", "errors", "import",
    "monitor",
];

/// Where the page says what its addresses are relative to.
const BASE: &str = "<base href=\"/\"";

/// A file as it is sent.
struct Packed {
    content_type: &'static str,
    etag: String,
    plain: Bytes,
    /// `None` where compression does not pay.
    gzip: Option<Bytes>,
}

static FILES: LazyLock<BTreeMap<&str, Packed>> = LazyLock::new(|| {
    let packed = |asset: ui_assets::Asset| {
        let packed = Packed::of(asset.content_type, asset.etag.to_owned(), Bytes::from_static(asset.bytes));
        (asset.path, packed)
    };
    ui_assets::files().map(packed).collect()
});

static PAGE: LazyLock<Packed> = LazyLock::new(|| page_at(&BasePath::default()));

impl Packed {
    fn of(content_type: &'static str, etag: String, plain: Bytes) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let gzip = encoder.write_all(&plain).and_then(|()| encoder.finish()).ok().map(Bytes::from);
        Self { content_type, etag, gzip: gzip.filter(|gzip| gzip.len() < plain.len() * 9 / 10), plain }
    }

    /// Sends the file, or says that the browser has it already.
    fn send(&self, asked: &HeaderMap, cache: &'static str) -> Response<Body> {
        let known =
            asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == self.etag.as_bytes());
        let gzip = self.gzip.as_ref().filter(|_| takes_gzip(asked));
        let body = if known { Body::empty() } else { Body::from(gzip.unwrap_or(&self.plain).clone()) };
        let mut reply = Response::new(body);
        let headers = reply.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding, x-forwarded-prefix"));
        if gzip.is_some() && !known {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Ok(etag) = HeaderValue::try_from(&self.etag) {
            headers.insert(header::ETAG, etag);
        }
        if known {
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
        }
        reply
    }
}

/// Returns the doors of the UI's files.
pub(crate) fn router() -> Router {
    Router::new().route("/assets/{build}/{file}", get(file)).route("/mark.svg", get(mark))
}

/// Shows the page on its own paths and leads other people's links to them; not under `/api/`, where programs ask.
pub(crate) async fn anywhere_else(request: Request) -> Response<Body> {
    let path = request.uri().path();
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads || first == "api" || first == "assets" {
        return page_not_found().await;
    }
    let base = BasePath::seen_by(&request);
    if let Some(place) = redirects::of_jaeger(request.uri()) {
        return redirects::to(&format!("{}{place}", base.as_str()));
    }
    let known = PLACES.contains(&first);
    if !known && !redirects::takes_html(request.headers()) {
        return page_not_found().await;
    }
    let mut reply = page(&base, request.headers());
    if !known && reply.status() == StatusCode::OK {
        *reply.status_mut() = StatusCode::NOT_FOUND;
    }
    reply
}

fn page(base: &BasePath, asked: &HeaderMap) -> Response<Body> {
    if base.is_root() { PAGE.send(asked, "no-cache") } else { page_at(base).send(asked, "no-cache") }
}

async fn file(Path((build, name)): Path<(String, String)>, asked: HeaderMap) -> Response<Body> {
    match FILES.get(format!("assets/{name}").as_str()) {
        Some(packed) if build == ui_assets::BUILD => {
            packed.send(&asked, "public, max-age=31536000, immutable")
        }
        _ => page_not_found().await,
    }
}

async fn mark(asked: HeaderMap) -> Response<Body> {
    match FILES.get("mark.svg") {
        Some(packed) => packed.send(&asked, "no-cache"),
        None => page_not_found().await,
    }
}

/// Makes the page whose addresses begin with `base`.
fn page_at(base: &BasePath) -> Packed {
    let page = ui_assets::page();
    let base = format!("{}/", base.as_str());
    let text = String::from_utf8_lossy(page.bytes)
        .replace(BASE, &format!("<base href=\"{base}\""))
        .replace("\"./assets/", &format!("\"./assets/{}/", ui_assets::BUILD));
    let etag = format!("\"{}{}{}\"", page.etag.trim_matches('"'), ui_assets::BUILD, base.replace('/', "."));
    Packed::of(page.content_type, etag, Bytes::from(text))
}

fn takes_gzip(asked: &HeaderMap) -> bool {
    let accepted =
        asked.get(header::ACCEPT_ENCODING).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (coding, quality) = coding.split_once(';').unwrap_or((coding, ""));
        coding.trim().eq_ignore_ascii_case("gzip") && !matches!(quality.trim(), "q=0" | "q=0.0")
    })
}
