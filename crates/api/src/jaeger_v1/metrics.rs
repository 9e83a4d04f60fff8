//! `GET /api/metrics/..`: the parameters are checked as Jaeger checks them, and then there is nothing
//! to answer from.

use axum::body::Body;
use axum::extract::State;
use http::Response;

use super::envelope::around;
use super::parameters::{millis, millis_long};
use super::{Call, JSON, settle};
use crate::answer::{Whole, reply};
use crate::json::JsonWriter;
use crate::question::{Parameters, parse_bool};
use crate::{ApiError, Desk};

/// What Jaeger says where no metrics are kept.
const DISABLED: &str = "trace metrics are currently disabled - no metrics backend configured";

/// The kinds that `spanKind` may name.
const KINDS: [&str; 6] = ["unspecified", "internal", "server", "client", "producer", "consumer"];

/// Latencies: needs a quantile.
pub(super) async fn latencies(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let checked = call.parameters().and_then(|parameters| {
        quantile(parameters.text("quantile"))?;
        check(&parameters)
    });
    settle(&desk, checked.and(Err(ApiError::Disabled(DISABLED))))
}

/// Rates of calls and of errors.
pub(super) async fn rates(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let checked = call.parameters().and_then(|parameters| check(&parameters));
    settle(&desk, checked.and(Err(ApiError::Disabled(DISABLED))))
}

/// The smallest step that a query may have, in milliseconds.
pub(super) async fn min_step(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let one = |json: &mut JsonWriter| {
        json.unsigned(1);
        0
    };
    let answered = reply(&desk, JSON, move |_, _| Ok(Whole(around(call.layout, one)))).await;
    settle(&desk, answered)
}

fn quantile(text: &str) -> Result<f64, ApiError> {
    text.parse().map_err(|_| {
        let short: String = text.chars().take(100).collect();
        let why = format!("strconv.ParseFloat: parsing {short:?}: invalid syntax");
        ApiError::Malformed(format!("unable to parse param 'quantile': {why}"))
    })
}

fn check(parameters: &Parameters<'_>) -> Result<(), ApiError> {
    if parameters.all("service").next().is_none() {
        let why = "unable to parse param 'service': please provide at least one service name";
        return Err(ApiError::Malformed(why.to_owned()));
    }
    parameters.parse("groupByOperation", parse_bool)?;
    if let Some(unknown) = parameters.all("spanKind").find(|kind| !KINDS.contains(kind)) {
        let short: String = unknown.chars().take(100).collect();
        let why = format!("unable to parse param 'spanKind': unsupported span kind: '{short}'");
        return Err(ApiError::Malformed(why));
    }
    millis(parameters, "endTs", span::UnixNanos::MAX)?;
    for name in ["lookback", "step", "ratePer"] {
        millis_long(parameters, name, span::DurationNanos::default())?;
    }
    Ok(())
}
