//! `GET /api/tw/traces/{id}/spans` and `../ids`: what the skeleton leaves out.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::{Path, State};
use http::Response;
use span::{SpanId, SpanRef, StatusCode, Trace, ValueRef, naming};

use super::laid::{Laid, watermark};
use super::skeleton::kind_word;
use super::{Call, JSON, settle};
use crate::json::{JsonWriter, Layout};
use crate::limits::CHUNK_BYTES;
use crate::question::{Parameters, TraceName, find};
use crate::{Answer, ApiError, Desk, Share, Told};

/// The most spans of one answer.
const SPANS_MAX: usize = 1_000;

/// Returns the ids of a trace's spans.
pub(super) async fn ids(State(desk): State<Desk>, Path(id): Path<String>, call: Call) -> Response<Body> {
    let answered = try_ids(&desk, &id, &call).await;
    settle(&desk, answered)
}

/// Returns everything about some spans.
pub(super) async fn spans(State(desk): State<Desk>, Path(id): Path<String>, call: Call) -> Response<Body> {
    let answered = try_spans(&desk, &id, &call).await;
    settle(&desk, answered)
}

async fn try_ids(desk: &Desk, id: &str, call: &Call) -> Result<Response<Body>, ApiError> {
    let name = TraceName::parse(id)?;
    let tenant = call.tenant.clone();
    call.answer(desk, JSON, move |reader, _| Ok(IdsJson(Some(find(reader, &tenant, &name)?)))).await
}

async fn try_spans(desk: &Desk, id: &str, call: &Call) -> Result<Response<Body>, ApiError> {
    let name = TraceName::parse(id)?;
    let wanted = Wanted::read(&call.parameters()?)?;
    let tenant = call.tenant.clone();
    call.answer(desk, JSON, move |reader, _| {
        let trace = find(reader, &tenant, &name)?;
        Ok(SpansJson { trace: Some(trace), laid: None, wanted, rows: Vec::new(), told: 0 })
    })
    .await
}

/// Which spans are asked for.
enum Wanted {
    /// Ranges of rows, both ends included.
    Rows(Vec<(usize, usize)>),
    Ids(BTreeSet<SpanId>),
}

impl Wanted {
    fn read(parameters: &Parameters<'_>) -> Result<Self, ApiError> {
        let malformed = |why: String| ApiError::Malformed(why);
        match (parameters.get("rows"), parameters.get("ids")) {
            (Some(rows), None) => {
                let row = |text: &str| {
                    text.trim().parse().map_err(|_| malformed(format!("param 'rows': '{text}' is no row")))
                };
                let range = |text: &str| match text.split_once('-') {
                    Some((first, last)) => Ok((row(first)?, row(last)?)),
                    None => row(text).map(|row| (row, row)),
                };
                let ranges: Vec<(usize, usize)> = rows.split(',').map(range).collect::<Result<_, _>>()?;
                let counts = ranges.iter().map(|(first, last)| last.saturating_sub(*first).saturating_add(1));
                check_count(counts.fold(0, usize::saturating_add))?;
                Ok(Self::Rows(ranges))
            }
            (None, Some(ids)) => {
                let id = |text: &str| {
                    let id = text.trim().parse::<SpanId>();
                    id.map_err(|why| malformed(format!("param 'ids': '{text}' is no span id: {why}")))
                };
                check_count(ids.split(',').count())?;
                Ok(Self::Ids(ids.split(',').map(id).collect::<Result<_, _>>()?))
            }
            _ => Err(malformed("give either 'rows' or 'ids'".to_owned())),
        }
    }

    /// Returns the rows that are there, ascending.
    fn rows(&self, laid: &Laid) -> Vec<usize> {
        let has = |row: &usize| match self {
            Self::Rows(ranges) => ranges.iter().any(|(first, last)| (first..=last).contains(&row)),
            Self::Ids(ids) => ids.contains(&laid.span(laid.places[*row]).span_id()),
        };
        (0..laid.places.len()).filter(has).collect()
    }
}

fn check_count(count: usize) -> Result<(), ApiError> {
    match count <= SPANS_MAX {
        true => Ok(()),
        false => {
            Err(ApiError::Malformed(format!("{count} spans are asked for, {SPANS_MAX} at a time are given")))
        }
    }
}

/// The ids of a trace.
struct IdsJson(Option<Trace>);

impl Answer for IdsJson {
    type Part = Vec<u8>;

    fn next(&mut self, share: &mut Share) -> Result<Told<Vec<u8>>, ApiError> {
        let Some(trace) = self.0.take() else { return Ok(Told::Last(Vec::new())) };
        share.hold(trace.batch().bytes() + 150 * trace.batch().len())?;
        let watermark = watermark(&trace);
        let laid = Laid::of(trace);
        let mut text = String::with_capacity(16 * laid.places.len());
        for place in &laid.places {
            text.push_str(&laid.span(*place).span_id().to_string());
        }
        let mut json = JsonWriter::new(Layout::Compact);
        begin(&mut json, &laid.trace, &watermark);
        json.key("ids");
        json.text(&text);
        json.end_object();
        let bytes = json.take();
        share.hold(laid.bytes() + 2 * bytes.capacity())?;
        Ok(Told::Last(bytes))
    }
}

/// Spans with all they have, in parts: one span may have megabytes of attributes.
struct SpansJson {
    trace: Option<Trace>,
    laid: Option<Laid>,
    wanted: Wanted,
    rows: Vec<usize>,
    told: usize,
}

impl Answer for SpansJson {
    type Part = Vec<u8>;

    fn next(&mut self, share: &mut Share) -> Result<Told<Vec<u8>>, ApiError> {
        let mut json = JsonWriter::new(Layout::Compact);
        let mut text = Vec::new();
        if let Some(trace) = self.trace.take() {
            share.hold(trace.batch().bytes() + 100 * trace.batch().len() + CHUNK_BYTES)?;
            let watermark = watermark(&trace);
            let laid = Laid::of(trace);
            self.rows = self.wanted.rows(&laid);
            begin(&mut json, &laid.trace, &watermark);
            json.key("spans");
            text = json.take();
            text.push(b'[');
            self.laid = Some(laid);
        }
        let Some(laid) = &self.laid else { return Ok(Told::Last(Vec::new())) };
        while let Some(row) = self.rows.get(self.told) {
            if self.told != 0 {
                text.push(b',');
            }
            self.told += 1;
            let mut json = JsonWriter::new(Layout::Compact);
            write(&mut json, laid, *row);
            text.append(&mut json.take());
            share.hold(laid.bytes() + text.capacity())?;
            if CHUNK_BYTES <= text.len() {
                return Ok(Told::Part(text));
            }
        }
        text.extend_from_slice(b"]}");
        Ok(Told::Last(text))
    }
}

/// Begins an object with what all answers about one trace share.
pub(super) fn begin(json: &mut JsonWriter, trace: &Trace, watermark: &str) {
    json.begin_object();
    json.key("traceId");
    json.text(&trace.id().to_string());
    json.key("watermark");
    json.text(watermark);
}

fn write(json: &mut JsonWriter, laid: &Laid, row: usize) {
    let place = laid.places[row];
    let span = laid.span(place);
    json.begin_object();
    json.key("row");
    json.unsigned(row as u64);
    json.key("spanId");
    json.span_id(span.span_id());
    json.key("parentSpanId");
    match span.parent_span_id() {
        parent if parent.is_none() => json.null(),
        parent => json.span_id(parent),
    }
    json.key("service");
    json.text(span.resource().service());
    json.key("name");
    json.text(span.operation());
    json.key("kind");
    json.text(kind_word(span.kind()));
    json.key("start");
    json.text(&span.start().0.to_string());
    json.key("durationNs");
    json.unsigned(span.duration().0);
    json.key("selfNs");
    json.unsigned(laid.findings.self_times[place].0);
    json.key("flags");
    json.unsigned(u64::from(laid.flags(place)));
    json.key("status");
    json.begin_object();
    json.key("code");
    json.text(status_word(span.status_code()));
    text(json, "message", span.status_message());
    json.end_object();
    text(json, "traceState", span.trace_state());
    attributes(json, span.attributes());
    dropped(json, "attributesDropped", span.row().dropped_attributes_count);
    write_events(json, span);
    write_links(json, span);
    json.key("resource");
    json.begin_object();
    attributes(json, span.resource().attributes());
    text(json, "schemaUrl", span.resource().schema_url());
    json.end_object();
    json.key("scope");
    json.begin_object();
    text(json, "name", span.scope().name());
    text(json, "version", span.scope().version());
    attributes(json, span.scope().attributes());
    text(json, "schemaUrl", span.scope().schema_url());
    json.end_object();
    json.end_object();
}

fn write_events(json: &mut JsonWriter, span: SpanRef<'_>) {
    json.key("events");
    json.begin_array();
    for event in span.events() {
        json.begin_object();
        text(json, "name", event.name());
        json.key("time");
        json.text(&event.time().0.to_string());
        json.key("offsetNs");
        json.signed(event.time().0.wrapping_sub(span.start().0) as i64);
        attributes(json, event.attributes());
        dropped(json, "attributesDropped", event.row().dropped_attributes_count);
        json.end_object();
    }
    json.end_array();
    dropped(json, "eventsDropped", span.row().dropped_events_count);
}

fn write_links(json: &mut JsonWriter, span: SpanRef<'_>) {
    json.key("links");
    json.begin_array();
    for link in span.links() {
        json.begin_object();
        json.key("traceId");
        json.text(&link.trace_id().to_string());
        json.key("spanId");
        json.span_id(link.span_id());
        text(json, "traceState", link.trace_state());
        attributes(json, link.attributes());
        dropped(json, "attributesDropped", link.row().dropped_attributes_count);
        json.end_object();
    }
    json.end_array();
    dropped(json, "linksDropped", span.row().dropped_links_count);
}

fn attributes<'a>(json: &mut JsonWriter, all: impl Iterator<Item = (&'a [u8], ValueRef<'a>)>) {
    json.key("attributes");
    json.begin_array();
    for (key, value) in all {
        json.begin_object();
        json.key("key");
        json.text(&naming::key_of(key));
        json.key("type");
        json.text(type_word(value));
        json.key("text");
        json.text(&value.text_form());
        json.end_object();
    }
    json.end_array();
}

fn text(json: &mut JsonWriter, key: &'static str, bytes: &[u8]) {
    json.key(key);
    json.text(&String::from_utf8_lossy(bytes));
}

fn dropped(json: &mut JsonWriter, key: &'static str, count: u32) {
    json.key(key);
    json.unsigned(u64::from(count));
}

pub(super) const fn status_word(code: StatusCode) -> &'static str {
    match code {
        StatusCode::Unset => "unset",
        StatusCode::Ok => "ok",
        StatusCode::Error => "error",
    }
}

const fn type_word(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Empty => "empty",
        ValueRef::Str(_) => "string",
        ValueRef::Bool(_) => "bool",
        ValueRef::Int(_) => "int",
        ValueRef::Double(_) => "double",
        ValueRef::Bytes(_) => "bytes",
        ValueRef::Array(_) => "array",
        ValueRef::Map(_) => "map",
    }
}
