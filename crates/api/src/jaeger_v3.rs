//! Jaeger's v3 over HTTP: OTLP's own JSON, as newer Jaeger UIs and Grafana ask for it.
//!
//! | door | what it is |
//! |---|---|
//! | `GET /api/v3/services`, `GET /api/v3/operations` | names |
//! | `GET /api/v3/traces/{id}`, `GET /api/v3/traces` | traces, all in one `result` |
//! | `GET /api/v3/trace-summaries` | traces in one line each |
//!
//! Every parameter is known under its name in camel case and in snake case. Nothing found is a 404.

mod answers;
mod parameters;
mod summaries;

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::routing::get;
use http::request::Parts;
use http::{HeaderValue, Response, header};
use span::Tenant;
use store::Detail;

use crate::answer::{Whole, reply};
use crate::json::{JsonWriter, Layout};
use crate::question::{Parameters, PathWord, TraceName, find};
use crate::{ApiError, Desk};

use self::answers::{Source, TracesJson};
use self::parameters::{Wanted, named};
use self::summaries::SummariesJson;

/// The type of every answer.
const JSON: &str = "application/json";

/// What every handler reads off a request.
struct Call {
    tenant: Tenant,
    query: String,
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let tenant = parts.extensions.get().cloned().unwrap_or_default();
        Ok(Self { tenant, query: parts.uri.query().unwrap_or_default().to_owned() })
    }
}

/// Returns the doors of this API.
pub(crate) fn router(desk: Desk) -> Router {
    Router::new()
        .route("/api/v3/services", get(services))
        .route("/api/v3/operations", get(operations))
        .route("/api/v3/traces/{id}", get(by_id))
        .route("/api/v3/traces", get(search))
        .route("/api/v3/trace-summaries", get(trace_summaries))
        .with_state(desk)
}

async fn services(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let tenant = call.tenant;
    let answered = reply(&desk, JSON, move |reader, _| {
        let services = reader.services(&tenant)?;
        let mut json = JsonWriter::new(Layout::Compact);
        json.begin_object();
        json.key("services");
        json.begin_array();
        services.iter().for_each(|service| json.text(service));
        json.end_array();
        json.end_object();
        Ok(Whole(json.take()))
    });
    settle(&desk, answered.await)
}

async fn operations(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_operations(&desk, call).await;
    settle(&desk, answered)
}

async fn try_operations(desk: &Desk, call: Call) -> Result<Response<Body>, ApiError> {
    let parameters = Parameters::of(Some(&call.query))?;
    let service = parameters.text("service").to_owned();
    let kind = named(&parameters, "spanKind").map(|(_, kind)| kind.to_owned());
    reply(desk, JSON, move |reader, _| {
        let mut json = JsonWriter::new(Layout::Compact);
        json.begin_object();
        json.key("operations");
        json.begin_array();
        for operation in reader.operations(&call.tenant, &service)? {
            let word = operation.kind.word();
            if kind.as_deref().is_some_and(|kind| kind != word) {
                continue;
            }
            json.begin_object();
            json.key("name");
            json.text(&operation.name);
            json.key("spanKind");
            // A kind that nobody set is shown as one that somebody did, and not found by that word.
            json.text(if word.is_empty() { "internal" } else { word });
            json.end_object();
        }
        json.end_array();
        json.end_object();
        Ok(Whole(json.take()))
    })
    .await
}

async fn by_id(State(desk): State<Desk>, PathWord(id): PathWord, call: Call) -> Response<Body> {
    let answered = try_by_id(&desk, &id, call).await;
    settle(&desk, answered)
}

async fn try_by_id(desk: &Desk, id: &str, call: Call) -> Result<Response<Body>, ApiError> {
    let malformed = |error| ApiError::Malformed(format!("malformed parameter trace_id: {error}"));
    let name = TraceName::parse(id).map_err(malformed)?;
    let raw = parameters::one_trace(&Parameters::of(Some(&call.query))?)?;
    let adjust = (!raw).then_some(desk.backend().limits.clock_skew_max);
    reply(desk, JSON, move |reader, _| {
        let trace = find(reader, &call.tenant, &name)?;
        Ok(TracesJson::new(Source::Named, trace, adjust))
    })
    .await
}

async fn search(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_search(&desk, call).await;
    settle(&desk, answered)
}

async fn try_search(desk: &Desk, call: Call) -> Result<Response<Body>, ApiError> {
    let Wanted { question, limit, raw } = parameters::search(&Parameters::of(Some(&call.query))?)?;
    let adjust = (!raw).then_some(desk.backend().limits.clock_skew_max);
    reply(desk, JSON, move |reader, stop| {
        let mut cursor = reader.search(question.search(call.tenant, Detail::Whole, stop))?;
        let first = cursor.next()?.ok_or(ApiError::TraceNotFound)?;
        Ok(TracesJson::new(Source::Search(cursor, limit - 1), first, adjust))
    })
    .await
}

async fn trace_summaries(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_summaries(&desk, call).await;
    settle(&desk, answered)
}

async fn try_summaries(desk: &Desk, call: Call) -> Result<Response<Body>, ApiError> {
    let Wanted { question, limit, .. } = parameters::search(&Parameters::of(Some(&call.query))?)?;
    reply(desk, JSON, move |reader, stop| {
        let cursor = reader.search(question.search(call.tenant, Detail::Skeleton, stop))?;
        Ok(SummariesJson::new(cursor, limit))
    })
    .await
}

/// Writes a refusal as this API does, and counts it.
fn settle(desk: &Desk, answered: Result<Response<Body>, ApiError>) -> Response<Body> {
    answered.unwrap_or_else(|error| {
        desk.count(&error);
        refusal(&error)
    })
}

/// JSON that calls itself text, with a line's end, as Go's `http.Error` sends it.
fn refusal(error: &ApiError) -> Response<Body> {
    let mut json = JsonWriter::new(Layout::Compact);
    json.begin_object();
    json.key("error");
    json.begin_object();
    json.key("httpCode");
    json.unsigned(u64::from(error.status().as_u16()));
    json.key("message");
    match error {
        ApiError::TraceNotFound => json.text("No traces found"),
        error => json.text(&error.to_string()),
    }
    json.end_object();
    json.end_object();
    let mut text = json.take();
    text.push(b'\n');
    let mut reply = Response::new(Body::from(text));
    *reply.status_mut() = error.status();
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if error.is_passing() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    reply
}
