//! `GET /api/dependencies`: who calls whom, counted when it is asked.

use axum::body::Body;
use axum::extract::State;
use http::Response;
use insight::{Dependencies, Tree};
use span::{DurationNanos, Tenant, UnixNanos};
use store::{Detail, Search, Stop, TraceReader};

use super::envelope::around;
use super::parameters::{millis, millis_long};
use super::{Call, JSON, settle};
use crate::answer::{Whole, reply};
use crate::limits::CHUNK_BYTES;
use crate::{ApiError, Desk};

/// How far back calls are counted unless told: a day.
const LOOKBACK_DEFAULT: DurationNanos = DurationNanos(24 * 3_600 * 1_000_000_000);

/// The most memory that one fold may take: a million of edges. Services are named by senders, and a
/// hostile one names a new service in each span.
const FOLD_BYTES_MAX: usize = 32 << 20;

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
        let found = fold(reader, &call.tenant, end.minus(lookback), end, stop)?;
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

/// Folds all traces whose first start and last end lie within the window.
fn fold(
    reader: &dyn TraceReader,
    tenant: &Tenant,
    start: UnixNanos,
    end: UnixNanos,
    stop: &Stop,
) -> Result<Dependencies, ApiError> {
    let mut search = Search::all(tenant.clone());
    (search.start_min, search.start_max) = (start, end);
    (search.detail, search.stop) = (Detail::Skeleton, stop.clone());
    let mut cursor = reader.search(search)?;
    let mut dependencies = Dependencies::new();
    while let Some(trace) = cursor.next()? {
        stop.check()?;
        if start <= trace.start() && trace.end() <= end {
            dependencies.add(&trace, &Tree::of(&trace));
        }
        if FOLD_BYTES_MAX < dependencies.bytes() + CHUNK_BYTES {
            return Err(store::StoreError::TooLarge { bytes_max: FOLD_BYTES_MAX }.into());
        }
    }
    Ok(dependencies)
}
