//! Traces in one line each, as Jaeger's newer UI lists them.

use insight::{TraceSummary, Tree};
use store::TraceCursor;

use crate::json::{JsonWriter, Layout};
use crate::limits::CHUNK_BYTES;
use crate::{Answer, ApiError, Share, Told};

/// Summaries of what a search finds.
pub(super) struct SummariesJson {
    cursor: Box<dyn TraceCursor>,
    /// How many are still wanted.
    left: usize,
    json: JsonWriter,
    begun: bool,
}

impl SummariesJson {
    pub(super) fn new(cursor: Box<dyn TraceCursor>, limit: usize) -> Self {
        Self { cursor, left: limit, json: JsonWriter::new(Layout::Compact), begun: false }
    }
}

impl Answer for SummariesJson {
    type Part = Vec<u8>;

    fn next(&mut self, share: &mut Share) -> Result<Told<Vec<u8>>, ApiError> {
        if !self.begun {
            self.begun = true;
            self.json.begin_object();
            self.json.key("summaries");
            self.json.begin_array();
        }
        while self.left != 0 {
            let Some(trace) = self.cursor.next()? else { break };
            self.left -= 1;
            share.hold(trace.batch().bytes() + CHUNK_BYTES)?;
            let tree = Tree::of(&trace);
            write(&mut self.json, &TraceSummary::of(&trace, &tree, store::failed));
            if CHUNK_BYTES <= self.json.len() {
                return Ok(Told::Part(self.json.take()));
            }
        }
        self.json.end_array();
        self.json.end_object();
        Ok(Told::Last(self.json.take()))
    }
}

/// Writes a summary. As protobuf's JSON has it, numbers of 64 bits are text, and zero is left out.
fn write(json: &mut JsonWriter, summary: &TraceSummary<'_>) {
    json.begin_object();
    json.key("traceId");
    json.text(&summary.id.to_string());
    if let Some(root) = summary.root {
        json.key("rootServiceName");
        json.text(root.resource().service());
        json.key("rootOperationName");
        json.text(root.operation());
    }
    json.key("minStartTimeUnixNano");
    json.text(&summary.start.0.to_string());
    json.key("maxEndTimeUnixNano");
    json.text(&summary.end.0.to_string());
    write_count(json, "spanCount", summary.span_count);
    write_count(json, "errorSpanCount", summary.error_count);
    write_count(json, "orphanSpanCount", summary.orphan_count);
    json.key("services");
    json.begin_array();
    for service in &summary.services {
        json.begin_object();
        json.key("name");
        json.text(service.name);
        write_count(json, "spanCount", service.span_count);
        write_count(json, "errorSpanCount", service.error_count);
        json.end_object();
    }
    json.end_array();
    json.end_object();
}

fn write_count(json: &mut JsonWriter, key: &'static str, count: usize) {
    if count != 0 {
        json.key(key);
        json.unsigned(count as u64);
    }
}
