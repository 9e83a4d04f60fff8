//! Jaeger's v1 JSON, as its UI, Grafana and Kiali ask for it.
//!
//! Every answer is an envelope `{"data":..,"total":0,"limit":0,"offset":0,"errors":null}`; errors of a whole
//! request come in it too, as text. Upstream is taking this API away; here it stays.

mod archive;
mod dependencies;
mod envelope;
mod metrics;
mod operations;
mod parameters;
mod trace_file;
mod trace_json;
mod trace_list;
mod traces;
mod transform;

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::routing::{get, post};
use http::request::Parts;
use http::{HeaderValue, Response, header};
use span::Tenant;

pub use trace_file::TraceFile;

use crate::json::Layout;
use crate::question::Parameters;
use crate::{ApiError, Desk};

/// The type of every answer.
const JSON: &str = "application/json";

/// Returns the doors of this API.
pub(crate) fn router(desk: Desk) -> Router {
    Router::new()
        .route("/api/services", get(operations::services))
        .route("/api/services/{service}/operations", get(operations::of_service))
        .route("/api/operations", get(operations::with_kinds))
        .route("/api/traces", get(traces::search))
        .route("/api/traces/{id}", get(traces::by_id))
        .route("/api/dependencies", get(dependencies::calls))
        .route("/api/archive/{id}", post(archive::archive))
        .route("/api/transform", post(transform::transform))
        .route("/api/metrics/latencies", get(metrics::latencies))
        .route("/api/metrics/calls", get(metrics::rates))
        .route("/api/metrics/errors", get(metrics::rates))
        .route("/api/metrics/minstep", get(metrics::min_step))
        .with_state(desk)
}

/// What every handler reads off a request.
struct Call {
    tenant: Tenant,
    query: String,
    layout: Layout,
}

impl FromRequestParts<Desk> for Call {
    type Rejection = Response<Body>;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Response<Body>> {
        let tenant = parts.extensions.get::<Tenant>().cloned().unwrap_or_default();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let call = Parameters::of(Some(&query)).map(|parameters| {
            let pretty = !matches!(parameters.text("prettyPrint"), "" | "false");
            if pretty { Layout::Pretty } else { Layout::Compact }
        });
        match call {
            Ok(layout) => Ok(Self { tenant, query, layout }),
            Err(error) => Err(settle(desk, Err(error))),
        }
    }
}

impl Call {
    fn parameters(&self) -> Result<Parameters<'_>, ApiError> {
        Parameters::of(Some(&self.query))
    }
}

/// Writes a refusal as this API does, and counts it.
fn settle(desk: &Desk, answered: Result<Response<Body>, ApiError>) -> Response<Body> {
    answered.unwrap_or_else(|error| {
        desk.count(&error);
        refusal(&error)
    })
}

/// JSON that calls itself text, with a line's end: clients read the body and do not look at the type.
fn refusal(error: &ApiError) -> Response<Body> {
    let mut reply = Response::new(Body::from(envelope::of_error(error)));
    *reply.status_mut() = error.status();
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if error.is_passing() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    reply
}
