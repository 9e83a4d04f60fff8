//! Traces as one document, as the UI saves and opens it: the answer to a search, with any number of traces.
//!
//! Nothing is adjusted: what a file holds is what was stored, so that it can be read back.

use span::Trace;
use wire::jaeger::model::TagOrder;

use super::envelope::{self, Errors};
use super::trace_json::{Spans, TraceJson};
use crate::json::{JsonWriter, Layout};
use crate::limits::CHUNK_BYTES_ENOUGH;

/// A document that is being written, trace by trace and in parts.
#[derive(Debug)]
pub struct TraceFile {
    json: JsonWriter,
}

impl TraceFile {
    /// Begins a document.
    pub fn begin() -> Self {
        let mut json = JsonWriter::new(Layout::Compact);
        envelope::begin(&mut json);
        json.begin_array();
        Self { json }
    }

    /// Appends a trace; `write` gets the text in parts, or later with that of the next one.
    pub fn trace<E>(
        &mut self,
        trace: Trace,
        mut write: impl FnMut(Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut trace = TraceJson::new(Spans::Stored(trace), TagOrder::AsSent);
        while !trace.write(&mut self.json, CHUNK_BYTES_ENOUGH) {
            write(self.json.take())?;
        }
        if CHUNK_BYTES_ENOUGH <= self.json.len() {
            write(self.json.take())?;
        }
        Ok(())
    }

    /// Ends the document and returns the rest of its text.
    pub fn end(mut self) -> Vec<u8> {
        self.json.end_array();
        envelope::end(&mut self.json, 0, Errors::Missing(&[]));
        let mut rest = self.json.take();
        rest.push(b'\n');
        rest
    }
}

#[cfg(test)]
mod tests {
    use span::{BatchBuilder, ResourceRow, ScopeRow, SpanId, SpanRow, TraceId};

    use super::*;

    fn trace(id: u64) -> Trace {
        let mut builder = BatchBuilder::new();
        let resource = builder.resource(ResourceRow::default());
        let scope = builder.scope(ScopeRow::default());
        let trace_id = TraceId::from_halves(0, id);
        builder.span(SpanRow {
            trace_id,
            span_id: SpanId::from_u64(1),
            resource,
            scope,
            ..SpanRow::default()
        });
        Trace::assemble(trace_id, builder.finish().spans()).unwrap().unwrap()
    }

    #[test]
    fn any_number_of_traces_is_one_document() {
        for count in [0, 1, 2_000] {
            let (mut file, mut text) = (TraceFile::begin(), Vec::new());
            for id in 1..=count {
                let write = |part: Vec<u8>| {
                    text.extend_from_slice(&part);
                    Ok::<(), ()>(())
                };
                file.trace(trace(id), write).unwrap();
            }
            text.extend(file.end());
            let told: serde_json::Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(told["data"].as_array().unwrap().len() as u64, count);
        }
    }
}
