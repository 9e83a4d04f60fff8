//! `POST /api/archive/{id}`: keeps a trace beyond the retention of the rest.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::Response;
use store::Write;

use super::envelope::{self, Errors};
use super::parameters::one_trace;
use super::{Call, JSON, settle};
use crate::answer::{Whole, reply};
use crate::json::JsonWriter;
use crate::question::{PathWord, TraceName, find};
use crate::{ApiError, Backend, Desk};

/// Copies the trace, as it is stored, under the tenant's archive. The reply says that the copy is
/// durable. Archiving twice is archiving once.
pub(super) async fn archive(State(desk): State<Desk>, PathWord(id): PathWord, call: Call) -> Response<Body> {
    let answered = try_archive(&desk, &id, call).await;
    settle(&desk, answered)
}

async fn try_archive(desk: &Desk, id: &str, call: Call) -> Result<Response<Body>, ApiError> {
    let name = TraceName::parse(id)?;
    one_trace(&call.parameters()?)?;
    let writer = desk.backend().archive.as_ref().map(Arc::clone).ok_or(ApiError::NoArchive)?;
    let received = (desk.backend().now)();
    reply(desk, JSON, move |reader, _| {
        let tenant = Backend::archive_of(&call.tenant).ok_or(ApiError::NoArchive)?;
        let trace = find(reader, &call.tenant, &name)?;
        writer.write(&[Write { tenant, received, batch: trace.batch().clone() }])?;
        let mut json = JsonWriter::new(call.layout);
        envelope::begin(&mut json);
        json.begin_array();
        json.end_array();
        envelope::end(&mut json, 0, Errors::Empty);
        Ok(Whole(json.take()))
    })
    .await
}
