//! `GET /api/tw/search`: traces as they are found, then figures over everything that matches.

mod summary;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::Response;
use query::Field;
use span::{TraceId, TraceKey, UnixNanos};
use store::{Search, TraceCursor, TraceReader};

use super::asked::{Asked, fields};
use super::trace_row::write_trace;
use super::window::{Window, number};
use super::{Call, refusal, settle};
use crate::json::{JsonWriter, Layout};
use crate::limits::CHUNK_BYTES;
use crate::{Answer, ApiError, Desk, Share, Told};

use self::summary::{Summary, write_after};

/// Lines of JSON.
const NDJSON: &str = "application/x-ndjson";

/// The most traces of one part: the first comes alone, then twice as many each time.
const PART_TRACES_MAX: usize = 32;

/// Returns traces and figures.
pub(super) async fn search(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_search(&desk, &call).await;
    settle(&desk, answered)
}

async fn try_search(desk: &Desk, call: &Call) -> Result<Response<Body>, ApiError> {
    let parameters = call.parameters()?;
    let asked = Asked::read(&parameters, desk)?;
    let limit = number(&parameters, "limit", 0..=1_000, 100)? as usize;
    let buckets = number(&parameters, "buckets", 1..=500, 120)?;
    let after = parameters.parse("after", token)?;
    let facets = fields(parameters.text("facets"))?;
    let summary = parameters.text("summary") != "false";
    let (tenant, reader) = (call.tenant.clone(), Arc::clone(&desk.backend().reader));
    // Not compressed: a stream that fails must still be able to say so.
    call.plain(desk, NDJSON, move |_, stop| {
        Ok(SearchLines {
            search: Search { after, ..asked.search(tenant, stop) },
            window: asked.window,
            reader,
            cursor: None,
            limit,
            part_traces: 1,
            listed: 0,
            last: after,
            facets,
            buckets,
            summary,
            phase: Phase::Listing,
        })
    })
    .await
}

/// Lines that are made as they are asked for.
struct SearchLines {
    search: Search,
    window: Window,
    reader: Arc<dyn TraceReader>,
    cursor: Option<Box<dyn TraceCursor>>,
    limit: usize,
    part_traces: usize,
    listed: usize,
    /// The place of the last trace that was listed.
    last: Option<TraceKey>,
    facets: Vec<Field>,
    buckets: u32,
    summary: bool,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Listing,
    /// The listing is at its end; whether there is more behind its limit is the word.
    Counting(More),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum More {
    /// The limit ended the listing.
    Perhaps,
    /// The traces ended.
    Nothing,
}

impl Answer for SearchLines {
    type Part = Vec<u8>;

    fn next(&mut self, share: &mut Share) -> Result<Told<Vec<u8>>, ApiError> {
        match self.phase {
            Phase::Listing => self.list(share),
            Phase::Counting(more) => self.count(more, share),
        }
    }

    fn last_words(error: &ApiError) -> Option<Vec<u8>> {
        // Parts are whole lines, so this is one, too.
        Some(line(|json| {
            json.key("type");
            json.text("error");
            refusal::write_words(json, error);
        }))
    }
}

impl SearchLines {
    fn list(&mut self, share: &mut Share) -> Result<Told<Vec<u8>>, ApiError> {
        let cursor = match &mut self.cursor {
            Some(cursor) => cursor,
            None if self.limit == 0 => {
                self.phase = Phase::Counting(More::Perhaps);
                return self.count(More::Perhaps, share);
            }
            None => self.cursor.insert(self.reader.search(self.search.clone())?),
        };
        let mut text = Vec::new();
        for _ in 0..self.part_traces {
            if self.listed == self.limit {
                self.phase = Phase::Counting(More::Perhaps);
                break;
            }
            let Some(trace) = cursor.next()? else {
                self.phase = Phase::Counting(More::Nothing);
                break;
            };
            share.hold(trace.batch().bytes() + 40 * trace.batch().len() + text.capacity() + CHUNK_BYTES)?;
            let mut json = JsonWriter::new(Layout::Compact);
            write_trace(&mut json, &trace, &self.search);
            text.append(&mut json.take());
            text.push(b'\n');
            self.last = Some(trace.key());
            self.listed += 1;
        }
        self.part_traces = PART_TRACES_MAX.min(2 * self.part_traces);
        if self.phase != Phase::Listing {
            self.cursor = None;
        }
        text.append(&mut self.progress());
        share.hold(text.capacity())?;
        Ok(Told::Part(text))
    }

    /// Says how much of the window is listed: traces come newest first.
    fn progress(&self) -> Vec<u8> {
        let done = match (self.phase, self.last) {
            (Phase::Counting(More::Nothing), _) => 1.0,
            (_, None) => 0.0,
            (_, Some(last)) => {
                let past = self.window.to.since(last.start).0 as f64;
                (past / self.window.length().0 as f64).clamp(0.0, 1.0)
            }
        };
        line(|json| {
            json.key("type");
            json.text("progress");
            json.key("scanned");
            json.double(done);
            json.key("traces");
            json.unsigned(self.listed as u64);
        })
    }

    fn count(&self, more: More, share: &mut Share) -> Result<Told<Vec<u8>>, ApiError> {
        let after = self.last.filter(|_| more == More::Perhaps);
        let figures = match self.summary {
            true => {
                let figures = Summary { window: self.window, buckets: self.buckets, facets: &self.facets };
                share.hold(summary::BYTES_MAX)?;
                Some(figures.measure(&*self.reader, &self.search)?)
            }
            false => None,
        };
        let text = line(|json| {
            json.key("type");
            json.text("summary");
            json.key("from");
            json.text(&self.window.from.0.to_string());
            json.key("to");
            json.text(&self.window.to.0.to_string());
            write_after(json, after);
            let missing = figures.as_ref().map(|figures| figures.write(json)).unwrap_or_default();
            super::write_missing(json, &missing);
        });
        share.hold(text.capacity())?;
        Ok(Told::Last(text))
    }
}

/// Writes an object on a line of its own.
fn line(write: impl FnOnce(&mut JsonWriter)) -> Vec<u8> {
    let mut json = JsonWriter::new(Layout::Compact);
    json.begin_object();
    write(&mut json);
    json.end_object();
    let mut text = json.take();
    text.push(b'\n');
    text
}

/// Reads a place in a listing.
fn token(text: &str) -> Result<TraceKey, String> {
    let unknown = || "it is no continuation that was given".to_owned();
    let (start, id) = text.split_once('-').ok_or_else(unknown)?;
    let start = UnixNanos(start.parse().map_err(|_| unknown())?);
    let id: TraceId = id.parse().map_err(|_| unknown())?;
    Ok(TraceKey { start, id })
}
