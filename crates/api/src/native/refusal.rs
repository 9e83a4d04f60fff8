//! Refusals of our own API: what went wrong, and what to do about it.

use axum::body::Body;
use http::{HeaderValue, Response, header};
use store::StoreError;

use super::JSON;
use crate::json::{JsonWriter, Layout};
use crate::{ApiError, Desk};

/// Writes a refusal, and counts it.
pub(super) fn settle(desk: &Desk, answered: Result<Response<Body>, ApiError>) -> Response<Body> {
    answered.unwrap_or_else(|error| {
        desk.count(&error);
        refusal(&error)
    })
}

fn refusal(error: &ApiError) -> Response<Body> {
    let mut json = JsonWriter::new(Layout::Compact);
    json.begin_object();
    write(&mut json, error);
    json.end_object();
    let mut reply = Response::new(Body::from(json.take()));
    *reply.status_mut() = error.status();
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if error.is_passing() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    reply
}

/// Writes the members of a refusal.
fn write(json: &mut JsonWriter, error: &ApiError) {
    write_words(json, error);
    if let ApiError::NotUnderstood(error) = error {
        json.key("column");
        json.unsigned(error.column as u64);
    }
    if let ApiError::Ambiguous { ids, .. } = error {
        json.key("ids");
        json.begin_array();
        for id in ids.iter().take(ApiError::IDS_LISTED_MAX) {
            json.text(&id.to_string());
        }
        json.end_array();
    }
}

/// Writes what went wrong and what to do.
pub(super) fn write_words(json: &mut JsonWriter, error: &ApiError) {
    json.key("error");
    match error {
        ApiError::NotUnderstood(error) => json.text(&error.what),
        error => json.text(&error.to_string()),
    }
    json.key("hint");
    json.text(hint(error));
}

/// Says what to do.
const fn hint(error: &ApiError) -> &'static str {
    match error {
        ApiError::NotUnderstood(error) => error.hint,
        ApiError::Malformed(_) => "mend the parameter that is named",
        ApiError::TraceNotFound => {
            "it may still be arriving, or be older than the retention; check the id for missing digits"
        }
        ApiError::Ambiguous { .. } => "give more digits",
        ApiError::NoArchive | ApiError::Disabled(_) => "this server is not set up for it",
        ApiError::Busy { .. } | ApiError::PoolExhausted { .. } => "try again in a moment",
        ApiError::TooSlow { .. } | ApiError::Store(StoreError::TooLarge { .. }) => {
            "narrow the time range or the query"
        }
        ApiError::BodyTooLong { .. } => "send less",
        ApiError::Broken | ApiError::Store(_) => "the server's log says more",
    }
}
