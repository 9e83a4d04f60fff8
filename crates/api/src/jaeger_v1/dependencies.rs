//! `GET /api/dependencies`: who calls whom, counted when it is asked.

use axum::body::Body;
use axum::extract::State;
use http::Response;
use span::DurationNanos;

use super::envelope::around;
use super::parameters::{millis, millis_long};
use super::{Call, JSON, settle};
use crate::answer::{Whole, reply};
use crate::calls::calls_between;
use crate::{ApiError, Desk};

/// How far back calls are counted unless told: a day.
const LOOKBACK_DEFAULT: DurationNanos = DurationNanos(24 * 3_600 * 1_000_000_000);

/// Returns the calls between services in traces that lie inside the window.
pub(super) async fn calls(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_calls(&desk, call).await;
    settle(&desk, answered)
}

async fn try_calls(desk: &Desk, call: Call) -> Result<Response<Body>, ApiError> {
    let parameters = call.parameters()?;
    let end = millis(&parameters, "endTs", (desk.backend().now)())?;
    let lookback = millis_long(&parameters, "lookback", LOOKBACK_DEFAULT)?;
    let service = parameters.text("service").to_owned();
    reply(desk, JSON, move |reader, stop| {
        let found = calls_between(reader, &call.tenant, end.minus(lookback), end, stop)?;
        Ok(Whole(around(call.layout, |json| {
            json.begin_array();
            let edges = found.edges();
            let asked = |name: &str| service.is_empty() || name == service;
            for edge in edges.iter().filter(|edge| asked(edge.parent) || asked(edge.child)) {
                json.begin_object();
                json.key("parent");
                json.text(edge.parent);
                json.key("child");
                json.text(edge.child);
                json.key("callCount");
                json.unsigned(edge.calls);
                json.end_object();
            }
            json.end_array();
            0
        })))
    })
    .await
}
