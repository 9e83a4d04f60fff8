//! `GET /api/tw/check`: whether a query is understood, for who is typing it.

use axum::body::Body;
use axum::extract::State;
use http::Response;
use query::Query;

use super::{Call, JSON, object, settle};
use crate::{ApiError, Desk};

/// Returns what is wrong with a query, if anything.
pub(super) async fn check(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_check(&desk, &call).await;
    settle(&desk, answered)
}

async fn try_check(desk: &Desk, call: &Call) -> Result<Response<Body>, ApiError> {
    let read = Query::parse(call.parameters()?.text("q"));
    call.answer(desk, JSON, move |_, _| {
        Ok(object(|json| {
            json.key("ok");
            json.bool(read.is_ok());
            match &read {
                Ok(query) => {
                    json.key("text");
                    json.text(&query.to_string());
                }
                Err(error) => {
                    json.key("error");
                    json.text(&error.what);
                    json.key("hint");
                    json.text(error.hint);
                    json.key("column");
                    json.unsigned(error.column as u64);
                }
            }
        }))
    })
    .await
}
