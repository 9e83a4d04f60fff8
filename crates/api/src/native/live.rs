//! `GET /api/tw/live`: what arrived after a watermark.
//!
//! A watermark is a time of ours. What was being written at that time may become visible a little later, so the
//! next question looks a little further back: a trace may come twice, and none is missed.

use axum::body::Body;
use axum::extract::State;
use http::Response;
use query::Query;
use span::{DurationNanos, UnixNanos};
use store::{Search, TraceCursor};

use super::trace_row::write_trace;
use super::window::number;
use super::{Call, JSON, settle, write_missing};
use crate::json::{JsonWriter, Layout};
use crate::limits::CHUNK_BYTES;
use crate::{Answer, ApiError, Desk, Share, Told};

/// How long a write may take to become visible.
const WRITE_TIME: DurationNanos = DurationNanos(2_000_000_000);

/// Returns the traces that arrived.
pub(super) async fn live(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_live(&desk, &call).await;
    settle(&desk, answered)
}

async fn try_live(desk: &Desk, call: &Call) -> Result<Response<Body>, ApiError> {
    let parameters = call.parameters()?;
    let filter = Query::parse(parameters.text("q"))?.filter();
    let limit = number(&parameters, "limit", 1..=500, 50)? as usize;
    let read =
        |text: &str| text.parse().map(UnixNanos).map_err(|_| "it is no watermark that was given".to_owned());
    let after = parameters.parse("after", read)?.map(|after| after.minus(WRITE_TIME));
    let (watermark, tenant) = ((desk.backend().now)(), call.tenant.clone());
    call.answer(desk, JSON, move |reader, stop| {
        let search = Search { filter, arrived_after: after, stop: stop.clone(), ..Search::all(tenant) };
        let cursor = reader.search(search.clone())?;
        let mut json = JsonWriter::new(Layout::Compact);
        json.begin_object();
        json.key("watermark");
        json.text(&watermark.0.to_string());
        json.key("traces");
        json.begin_array();
        Ok(LiveJson { cursor, search, left: limit, json })
    })
    .await
}

struct LiveJson {
    cursor: Box<dyn TraceCursor>,
    search: Search,
    left: usize,
    json: JsonWriter,
}

impl Answer for LiveJson {
    type Part = Vec<u8>;

    fn next(&mut self, share: &mut Share) -> Result<Told<Vec<u8>>, ApiError> {
        let mut missing = Vec::new();
        while let Some(trace) = self.cursor.next()? {
            if self.left == 0 {
                if self.search.arrived_after.is_some() {
                    missing.push("more traces arrived than are listed; the newest are shown".to_owned());
                }
                break;
            }
            self.left -= 1;
            share.hold(trace.batch().bytes() + 40 * trace.batch().len() + CHUNK_BYTES)?;
            write_trace(&mut self.json, &trace, &self.search);
            if CHUNK_BYTES <= self.json.len() {
                return Ok(Told::Part(self.json.take()));
            }
        }
        self.json.end_array();
        write_missing(&mut self.json, &missing);
        self.json.end_object();
        Ok(Told::Last(self.json.take()))
    }
}
