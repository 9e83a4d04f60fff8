//! `GET /api/tw/traces/{id}/find`: which rows of a trace fulfil a query or contain a text.

use axum::body::Body;
use axum::extract::{Path, State};
use http::Response;
use query::Query;
use span::{SpanRef, Trace};
use store::SpanFilter;

use super::details::begin;
use super::laid::{Laid, watermark};
use super::{Call, JSON, settle};
use crate::json::{JsonWriter, Layout};
use crate::question::{TraceName, find};
use crate::{Answer, ApiError, Desk, Share, Told};

/// Returns the rows.
pub(super) async fn rows(State(desk): State<Desk>, Path(id): Path<String>, call: Call) -> Response<Body> {
    let answered = try_rows(&desk, &id, &call).await;
    settle(&desk, answered)
}

async fn try_rows(desk: &Desk, id: &str, call: &Call) -> Result<Response<Body>, ApiError> {
    let name = TraceName::parse(id)?;
    let parameters = call.parameters()?;
    let filter = Query::parse(parameters.text("q"))?.filter();
    let text = parameters.text("text").to_lowercase();
    let tenant = call.tenant.clone();
    call.answer(desk, JSON, move |reader, _| {
        Ok(RowsJson { trace: Some(find(reader, &tenant, &name)?), filter, text })
    })
    .await
}

struct RowsJson {
    trace: Option<Trace>,
    filter: SpanFilter,
    /// In lower case.
    text: String,
}

impl Answer for RowsJson {
    type Part = Vec<u8>;

    fn next(&mut self, share: &mut Share) -> Result<Told<Vec<u8>>, ApiError> {
        let Some(trace) = self.trace.take() else { return Ok(Told::Last(Vec::new())) };
        share.hold(trace.batch().bytes() + 150 * trace.batch().len())?;
        let watermark = watermark(&trace);
        let laid = Laid::of(trace);
        let mut json = JsonWriter::new(Layout::Compact);
        begin(&mut json, &laid.trace, &watermark);
        json.key("rows");
        json.begin_array();
        for (row, place) in laid.places.iter().enumerate() {
            let span = laid.span(*place);
            if self.filter.accepts(span) && has_text(span, &self.text) {
                json.unsigned(row as u64);
            }
        }
        json.end_array();
        json.end_object();
        let bytes = json.take();
        share.hold(laid.bytes() + bytes.capacity())?;
        Ok(Told::Last(bytes))
    }
}

/// Tells whether anything that is shown of a span has the text in it.
fn has_text(span: SpanRef<'_>, text: &str) -> bool {
    let within = |shown: &str| shown.to_lowercase().contains(text);
    let bytes = |shown: &[u8]| within(&String::from_utf8_lossy(shown));
    let pair = |(key, value): (&[u8], span::ValueRef<'_>)| bytes(key) || within(&value.text_form());
    within(span.resource().service())
        || within(span.operation())
        || bytes(span.status_message())
        || within(&span.span_id().to_string())
        || span.attributes().any(pair)
        || span.resource().attributes().any(pair)
        || span.events().any(|event| bytes(event.name()) || event.attributes().any(pair))
}
