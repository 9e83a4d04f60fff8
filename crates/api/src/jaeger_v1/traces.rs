//! `GET /api/traces` and `GET /api/traces/{id}`.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::Response;
use store::Detail;

use super::parameters::{one_trace, search as read_search};
use super::trace_json::Spans;
use super::trace_list::{Names, Reading, Source, TraceList};
use super::{Call, JSON, settle};
use crate::answer::reply;
use crate::question::{PathWord, TraceName, find};
use crate::{ApiError, Desk};

/// Returns the traces that a search finds, newest first, or those that are named.
pub(super) async fn search(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_search(&desk, call).await;
    settle(&desk, answered)
}

/// Returns one trace.
pub(super) async fn by_id(State(desk): State<Desk>, PathWord(id): PathWord, call: Call) -> Response<Body> {
    let answered = try_by_id(&desk, &id, call).await;
    settle(&desk, answered)
}

async fn try_search(desk: &Desk, call: Call) -> Result<Response<Body>, ApiError> {
    let wanted = read_search(&call.parameters()?, (desk.backend().now)())?;
    let Call { tenant, layout, .. } = call;
    let reading = reading(desk, wanted.raw);
    if wanted.names.is_empty() {
        return reply(desk, JSON, move |reader, stop| {
            let cursor = reader.search(wanted.question.search(tenant, Detail::Whole, stop))?;
            Ok(TraceList::new(Source::Search(cursor, wanted.limit), reading, layout))
        })
        .await;
    }
    let reader = Arc::clone(&desk.backend().reader);
    reply(desk, JSON, move |_, stop| {
        let names = VecDeque::from(wanted.names);
        let names = Names { reader, tenant, names, stop: stop.clone(), shown: HashSet::new() };
        Ok(TraceList::new(Source::Names(names), reading, layout))
    })
    .await
}

async fn try_by_id(desk: &Desk, id: &str, call: Call) -> Result<Response<Body>, ApiError> {
    let name = TraceName::parse(id)?;
    let reading = reading(desk, one_trace(&call.parameters()?)?);
    reply(desk, JSON, move |reader, _| {
        let trace = find(reader, &call.tenant, &name)?;
        Ok(TraceList::new(Source::Here([Spans::Stored(trace)].into()), reading, call.layout))
    })
    .await
}

fn reading(desk: &Desk, raw: bool) -> Reading {
    if raw { Reading::Raw } else { Reading::Adjusted(desk.backend().limits.clock_skew_max) }
}
