//! `GET /api/tw/search`: traces, or their spans, as they are found, then figures over everything that matches.

mod place;
mod summary;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::Response;
use query::Field;
use span::Trace;
use store::{Search, TraceCursor, TraceReader};

use super::asked::{Asked, fields};
use super::trace_row::{write_matched, write_trace};
use super::window::{Window, number};
use super::{Call, refusal, settle};
use crate::json::{JsonWriter, Layout};
use crate::limits::CHUNK_BYTES;
use crate::{Answer, ApiError, Desk, Share, Told};

use self::place::Place;
use self::summary::Summary;

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
    let after = parameters.parse("after", str::parse::<Place>)?.unwrap_or_default();
    let rows = match parameters.text("rows") {
        "" | "traces" => Rows::Traces,
        "spans" => Rows::Spans,
        _ => return Err(ApiError::Malformed("param 'rows' is traces or spans".to_owned())),
    };
    let facets = fields(parameters.text("facets"))?;
    let summary = parameters.text("summary") != "false";
    let (tenant, reader) = (call.tenant.clone(), Arc::clone(&desk.backend().reader));
    // Not compressed: a stream that fails must still be able to say so.
    call.plain(desk, NDJSON, move |_, stop| {
        Ok(SearchLines {
            search: Search { after: after.behind, ..asked.search(tenant, stop) },
            rows,
            window: asked.window,
            reader,
            cursor: None,
            limit,
            part_traces: 1,
            listed: 0,
            place: after,
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
    /// Rows listed so far.
    listed: usize,
    rows: Rows,
    /// Behind what was listed.
    place: Place,
    facets: Vec<Field>,
    buckets: u32,
    summary: bool,
    phase: Phase,
}

/// What a line of the listing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    Traces,
    /// Each span that fulfils the query.
    Spans,
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
        let mut cursor = match self.cursor.take() {
            Some(cursor) => cursor,
            None if self.limit == 0 => {
                self.phase = Phase::Counting(More::Perhaps);
                return self.count(More::Perhaps, share);
            }
            None => self.reader.search(self.search.clone())?,
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
            match self.rows {
                Rows::Traces => {
                    text.append(&mut written(|json| write_trace(json, &trace, &self.search)));
                    self.place = Place::behind(trace.key());
                    self.listed += 1;
                }
                Rows::Spans => self.list_spans(&trace, &mut text),
            }
        }
        self.part_traces = PART_TRACES_MAX.min(2 * self.part_traces);
        self.cursor = Some(cursor).filter(|_| self.phase == Phase::Listing);
        text.append(&mut self.progress());
        share.hold(text.capacity())?;
        Ok(Told::Part(text))
    }

    /// Lists the spans of a trace that fulfil the query, from where the listing ended on, as far as the limit lets.
    fn list_spans(&mut self, trace: &Trace, text: &mut Vec<u8>) {
        let listed = self.place.listed_of(trace.id());
        let rest = self.limit - self.listed;
        let matched = || trace.spans().filter(|span| self.search.accepts(*span)).skip(listed);
        let mut count = 0;
        for span in matched().take(rest) {
            text.append(&mut written(|json| write_matched(json, trace, span)));
            count += 1;
        }
        let whole = count < rest || matched().nth(rest).is_none();
        self.listed += count;
        self.place = match whole {
            // A trace that came meanwhile may stand before the one that was cut.
            true => Place {
                behind: Some(trace.key()),
                within: self.place.within.filter(|(id, _)| *id != trace.id()),
            },
            false => Place { within: Some((trace.id(), listed + count)), ..self.place },
        };
    }

    /// Says how much of the window is listed: traces come newest first.
    fn progress(&self) -> Vec<u8> {
        let done = match (self.phase, self.place.behind) {
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
        let after = Some(self.place).filter(|place| more == More::Perhaps && *place != Place::default());
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
            json.key("after");
            match after {
                Some(place) => json.text(&place.to_string()),
                None => json.null(),
            }
            let missing = figures.as_ref().map(|figures| figures.write(json)).unwrap_or_default();
            super::write_missing(json, &missing);
        });
        share.hold(text.capacity())?;
        Ok(Told::Last(text))
    }
}

/// Writes an object on a line of its own.
fn line(write: impl FnOnce(&mut JsonWriter)) -> Vec<u8> {
    written(|json| {
        json.begin_object();
        write(json);
        json.end_object();
    })
}

/// Writes a value on a line of its own.
fn written(write: impl FnOnce(&mut JsonWriter)) -> Vec<u8> {
    let mut json = JsonWriter::new(Layout::Compact);
    write(&mut json);
    let mut text = json.take();
    text.push(b'\n');
    text
}
