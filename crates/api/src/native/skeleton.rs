//! `GET /api/tw/traces/{id}`: a trace in columns, without what only one span's panel shows.

use axum::body::Body;
use axum::extract::{Path, State};
use hashbrown::HashMap;
use http::{HeaderValue, Response, StatusCode, header};
use query::Query;
use span::{SpanKind, Trace};
use store::SpanFilter;

use super::findings::write_findings;
use super::laid::{Laid, watermark};
use super::{Call, JSON, Slot, settle};
use crate::json::{JsonWriter, Layout};
use crate::question::{TraceName, find};
use crate::{Answer, ApiError, Desk, Share, Told};

/// Returns a trace's skeleton, or says that it has not changed.
pub(super) async fn skeleton(State(desk): State<Desk>, Path(id): Path<String>, call: Call) -> Response<Body> {
    let answered = try_skeleton(&desk, &id, &call).await;
    settle(&desk, answered)
}

async fn try_skeleton(desk: &Desk, id: &str, call: &Call) -> Result<Response<Body>, ApiError> {
    let name = TraceName::parse(id)?;
    let query = Query::parse(call.parameters()?.text("q"))?;
    let led_here = (!query.comparisons().is_empty()).then(|| query.filter());
    let tenant = call.tenant.clone();
    let known = call.headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
    let slot = Slot::default();
    let told = slot.clone();
    let mut answered = call
        .answer(desk, JSON, move |reader, _| {
            let trace = find(reader, &tenant, &name)?;
            let watermark = told.get_or_init(|| watermark(&trace)).clone();
            let same = known.is_some_and(|known| names_tag(&known, &watermark));
            Ok(SkeletonJson { trace: (!same).then_some(trace), watermark, led_here })
        })
        .await?;
    if let Some(watermark) = slot.get() {
        let tag = HeaderValue::try_from(format!("\"{watermark}\"")).expect("a watermark is of plain letters");
        answered.headers_mut().insert(header::ETAG, tag);
        let asked = call.headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
        if asked.is_some_and(|asked| names_tag(asked, watermark)) {
            *answered.status_mut() = StatusCode::NOT_MODIFIED;
            *answered.body_mut() = Body::empty();
            answered.headers_mut().remove(header::CONTENT_ENCODING);
        }
    }
    Ok(answered)
}

/// Tells whether a list of tags has this one; proxies that compress make tags weak.
fn names_tag(list: &str, watermark: &str) -> bool {
    let tags = list.split(',').map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'));
    tags.into_iter().any(|tag| tag == watermark)
}

/// The skeleton of a trace; of none where the client knows it.
struct SkeletonJson {
    trace: Option<Trace>,
    watermark: String,
    /// What the search asked for that led here.
    led_here: Option<SpanFilter>,
}

impl Answer for SkeletonJson {
    type Part = Vec<u8>;

    fn next(&mut self, share: &mut Share) -> Result<Told<Vec<u8>>, ApiError> {
        let Some(trace) = self.trace.take() else { return Ok(Told::Last(Vec::new())) };
        share.hold(trace.batch().bytes() + 200 * trace.batch().len())?;
        let laid = Laid::of(trace);
        let mut json = JsonWriter::new(Layout::Compact);
        write(&mut json, &laid, &self.watermark, self.led_here.as_ref());
        let text = json.take();
        share.hold(laid.bytes() + text.capacity())?;
        Ok(Told::Last(text))
    }
}

fn write(json: &mut JsonWriter, laid: &Laid, watermark: &str, led_here: Option<&SpanFilter>) {
    let trace = &laid.trace;
    json.begin_object();
    json.key("traceId");
    json.text(&trace.id().to_string());
    json.key("watermark");
    json.text(watermark);
    json.key("t0");
    json.text(&trace.start().0.to_string());
    json.key("durationNs");
    json.unsigned(trace.end().since(trace.start()).0);
    let count = |holds: &dyn Fn(usize) -> bool| laid.places.iter().filter(|place| holds(**place)).count();
    for (key, count) in [
        ("spanCount", laid.places.len()),
        ("errorCount", count(&|place| store::failed(laid.span(place)))),
        ("orphanCount", count(&|place| laid.tree.is_orphan(place))),
        ("depth", laid.depth),
    ] {
        json.key(key);
        json.unsigned(count as u64);
    }
    json.key("root");
    match laid.tree.roots().find(|place| !laid.tree.is_orphan(*place)) {
        Some(root) => json.unsigned(laid.rows[root] as u64),
        None => json.null(),
    }
    write_select(json, laid, led_here);
    write_columns(json, laid);
    json.key("findings");
    write_findings(json, laid);
    json.key("missing");
    json.begin_array();
    json.end_array();
    json.end_object();
}

/// Writes the span to open on: what the search found, else the guilty one.
fn write_select(json: &mut JsonWriter, laid: &Laid, led_here: Option<&SpanFilter>) {
    let found =
        led_here.and_then(|filter| laid.places.iter().position(|place| filter.accepts(laid.span(*place))));
    let guilty = laid.findings.guilty.expect("a trace has a span");
    let (row, why) = match (found, guilty.failed) {
        (Some(row), _) => (row, "query"),
        (None, true) => (laid.rows[guilty.row], "error"),
        (None, false) => (laid.rows[guilty.row], "slowest_self"),
    };
    json.key("select");
    json.begin_object();
    json.key("row");
    json.unsigned(row as u64);
    json.key("why");
    json.text(why);
    json.end_object();
}

/// Writes the tables and the columns that point into them.
fn write_columns(json: &mut JsonWriter, laid: &Laid) {
    let mut services: Vec<&str> = laid.trace.spans().map(|span| span.resource().service()).collect();
    services.sort_unstable();
    services.dedup();
    json.key("services");
    json.begin_array();
    services.iter().for_each(|service| json.text(service));
    json.end_array();
    let mut known: HashMap<(usize, &str, SpanKind), u64, foldhash::fast::RandomState> = HashMap::default();
    let mut operations = Vec::with_capacity(laid.places.len());
    json.key("operations");
    json.begin_array();
    for place in &laid.places {
        let span = laid.span(*place);
        let service = services.binary_search(&span.resource().service()).expect("all services are listed");
        let fresh = known.len() as u64;
        let number = *known.entry((service, span.operation(), span.kind())).or_insert(fresh);
        operations.push(number);
        if number != fresh {
            continue;
        }
        json.begin_object();
        json.key("service");
        json.unsigned(service as u64);
        json.key("name");
        json.text(span.operation());
        json.key("kind");
        json.text(kind_word(span.kind()));
        json.end_object();
    }
    json.end_array();
    json.key("columns");
    json.begin_object();
    column(json, "parent", laid, |json, place| json.signed(laid.parent(place)));
    let mut before = laid.trace.start().0;
    column(json, "start", laid, |json, place| {
        let start = laid.span(place).start().0;
        json.signed(start.wrapping_sub(before) as i64);
        before = start;
    });
    column(json, "duration", laid, |json, place| json.unsigned(laid.span(place).duration().0));
    let mut numbers = operations.into_iter();
    column(json, "operation", laid, |json, _| json.unsigned(numbers.next().expect("each row has one")));
    column(json, "flags", laid, |json, place| json.unsigned(u64::from(laid.flags(place))));
    json.end_object();
}

fn column(
    json: &mut JsonWriter,
    key: &'static str,
    laid: &Laid,
    mut write: impl FnMut(&mut JsonWriter, usize),
) {
    json.key(key);
    json.begin_array();
    laid.places.iter().for_each(|place| write(json, *place));
    json.end_array();
}

/// Returns the word for a kind; none is without one.
pub(super) const fn kind_word(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "unspecified",
        kind => kind.word(),
    }
}
