//! Our own API, which the web UI asks: skeletons in columns, details on demand, figures, completion.
//!
//! `docs/api.yaml` describes every door, shape and unit, and a test holds it against what is served. It has
//! no version: it ships with its UI. Errors are `{"error":..,"hint":..}`.

mod asked;
mod attributes;
mod check;
mod dependencies;
mod details;
mod differences;
mod figures;
mod find;
mod findings;
mod laid;
mod live;
mod refusal;
mod search;
mod services;
mod skeleton;
mod status;
mod trace_row;
mod window;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::routing::get;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, header};
use span::Tenant;
use store::{Stop, TraceReader};

use crate::answer::{Gzip, Whole, reply};
use crate::json::{JsonWriter, Layout};
use crate::question::Parameters;
use crate::{Answer, ApiError, Desk};

use self::refusal::settle;

/// The type of most answers.
const JSON: &str = "application/json";

/// Returns the doors of this API.
pub(crate) fn router(desk: Desk) -> Router {
    Router::new()
        .route("/api/tw/traces/{id}", get(skeleton::skeleton))
        .route("/api/tw/traces/{id}/ids", get(details::ids))
        .route("/api/tw/traces/{id}/spans", get(details::spans))
        .route("/api/tw/traces/{id}/find", get(find::rows))
        .route("/api/tw/search", get(search::search))
        .route("/api/tw/check", get(check::check))
        .route("/api/tw/services", get(services::services))
        .route("/api/tw/services/{service}/operations", get(services::operations))
        .route("/api/tw/attributes", get(attributes::names))
        .route("/api/tw/attributes/{key}/values", get(attributes::values))
        .route("/api/tw/dependencies", get(dependencies::dependencies))
        .route("/api/tw/differences", get(differences::differences))
        .route("/api/tw/live", get(live::live))
        .route("/api/tw/status", get(status::status))
        .with_state(desk)
}

/// What every handler reads off a request.
struct Call {
    tenant: Tenant,
    query: String,
    headers: HeaderMap,
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let tenant = parts.extensions.get().cloned().unwrap_or_default();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        Ok(Self { tenant, query, headers: std::mem::take(&mut parts.headers) })
    }
}

impl Call {
    fn parameters(&self) -> Result<Parameters<'_>, ApiError> {
        Parameters::of(Some(&self.query))
    }

    /// Tells whether the client takes gzip. Any other encoding is answered plainly.
    fn takes_gzip(&self) -> bool {
        let accepted = self.headers.get_all(header::ACCEPT_ENCODING).iter();
        let words = accepted.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        words.map(str::trim).any(|word| {
            let (coding, quality) = word.split_once(';').unwrap_or((word, ""));
            coding.trim().eq_ignore_ascii_case("gzip") && !matches!(quality.trim(), "q=0" | "q=0.0")
        })
    }

    /// Answers, compressed where the client takes that.
    async fn answer<A: Answer<Part = Vec<u8>>>(
        &self,
        desk: &Desk,
        content_type: &'static str,
        open: impl FnOnce(&dyn TraceReader, &Stop) -> Result<A, ApiError> + Send + 'static,
    ) -> Result<Response<Body>, ApiError> {
        if !self.takes_gzip() {
            return self.plain(desk, content_type, open).await;
        }
        let open = |reader: &dyn TraceReader, stop: &Stop| Ok(Gzip::of(open(reader, stop)?));
        let mut answered = self.plain(desk, content_type, open).await?;
        answered.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        Ok(answered)
    }

    /// Answers as it is.
    async fn plain<A: Answer<Part = Vec<u8>>>(
        &self,
        desk: &Desk,
        content_type: &'static str,
        open: impl FnOnce(&dyn TraceReader, &Stop) -> Result<A, ApiError> + Send + 'static,
    ) -> Result<Response<Body>, ApiError> {
        let mut answered = reply(desk, content_type, open).await?;
        let headers = answered.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Ok(answered)
    }
}

/// Writes an object.
fn object(write: impl FnOnce(&mut JsonWriter)) -> Whole {
    let mut json = JsonWriter::new(Layout::Compact);
    json.begin_object();
    write(&mut json);
    json.end_object();
    Whole(json.take())
}

/// Writes what an answer lacks.
fn write_missing(json: &mut JsonWriter, missing: &[String]) {
    json.key("missing");
    json.begin_array();
    missing.iter().for_each(|why| json.text(why));
    json.end_array();
}

/// A word that an answer leaves for its headers: set while the answer is opened.
type Slot = Arc<std::sync::OnceLock<String>>;
