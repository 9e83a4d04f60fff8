//! One trace as v1 JSON, written span by span, so that a long one can be sent in parts.

use span::{SpanBatch, SpanRef, Trace, TraceId};
use wire::jaeger::model::{JaegerSpan, JaegerTag, Processes, Shown, TagOrder, process_id};

use crate::json::JsonWriter;

/// The spans of one trace.
#[derive(Debug)]
pub(super) enum Spans {
    /// As they are stored: by start, each once.
    Stored(Trace),
    /// As somebody sent them.
    Sent(TraceId, SpanBatch),
}

impl Spans {
    pub(super) fn id(&self) -> TraceId {
        match self {
            Self::Stored(trace) => trace.id(),
            Self::Sent(id, _) => *id,
        }
    }

    pub(super) fn batch(&self) -> &SpanBatch {
        match self {
            Self::Stored(trace) => trace.batch(),
            Self::Sent(_, batch) => batch,
        }
    }
}

/// A trace that is being written.
#[derive(Debug)]
pub(super) struct TraceJson {
    trace: Spans,
    order: TagOrder,
    /// The next span.
    row: usize,
    /// Names of processes by resource row; empty until the first span is written.
    processes: Vec<String>,
}

impl TraceJson {
    pub(super) fn new(trace: Spans, order: TagOrder) -> Self {
        Self { trace, order, row: 0, processes: Vec::new() }
    }

    /// Returns the memory that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.trace.batch().bytes()
    }

    /// Goes on writing until the text has `len_max` bytes, at least one span. Returns whether the
    /// trace is whole.
    pub(super) fn write(&mut self, json: &mut JsonWriter, len_max: usize) -> bool {
        if self.row == 0 {
            self.name_processes();
            json.begin_object();
            json.key("traceID");
            json.short_trace_id(self.trace.id());
            json.key("spans");
            json.begin_array();
        }
        while self.row < self.trace.batch().len() {
            let span = self.trace.batch().span(self.row);
            write_span(json, span, self.order, &self.processes[span.row().resource as usize]);
            self.row += 1;
            if len_max <= json.len() {
                return false;
            }
        }
        json.end_array();
        self.write_processes(json);
        json.key("warnings");
        json.null();
        json.end_object();
        true
    }

    /// Resources that are shown alike are one process; they are numbered by first appearance.
    fn name_processes(&mut self) {
        let mut processes = Processes::new(self.order);
        self.processes = vec![String::new(); self.trace.batch().resource_rows().len()];
        for span in self.trace.batch().spans() {
            let name = &mut self.processes[span.row().resource as usize];
            if name.is_empty() {
                *name = process_id(processes.place(span.resource()));
            }
        }
    }

    fn write_processes(&self, json: &mut JsonWriter) {
        let mut processes = Processes::new(self.order);
        for span in self.trace.batch().spans() {
            processes.place(span.resource());
        }
        json.key("processes");
        json.begin_object();
        for (place, process) in processes.iter().enumerate() {
            json.text_key(&process_id(place));
            json.begin_object();
            json.key("serviceName");
            json.text(&process.service_name);
            json.key("tags");
            write_tags(json, &process.tags);
            json.end_object();
        }
        json.end_object();
    }
}

fn write_span(json: &mut JsonWriter, span: SpanRef<'_>, order: TagOrder, process: &str) {
    let span = JaegerSpan::of(span, order);
    json.begin_object();
    json.key("traceID");
    json.short_trace_id(span.trace_id);
    json.key("spanID");
    json.span_id(span.span_id);
    if span.flags != 0 {
        json.key("flags");
        json.unsigned(u64::from(span.flags));
    }
    json.key("operationName");
    json.text(&span.operation_name);
    json.key("references");
    json.begin_array();
    for reference in &span.references {
        json.begin_object();
        json.key("refType");
        json.text(reference.ref_type.name());
        json.key("traceID");
        json.short_trace_id(reference.trace_id);
        json.key("spanID");
        json.span_id(reference.span_id);
        json.end_object();
    }
    json.end_array();
    json.key("startTime");
    json.unsigned(span.start.to_micros());
    json.key("duration");
    json.unsigned(span.duration.to_micros());
    json.key("tags");
    write_tags(json, &span.tags);
    write_logs(json, &span);
    json.key("processID");
    json.text(process);
    json.key("warnings");
    if span.warnings.is_empty() {
        json.null();
    } else {
        json.begin_array();
        for warning in &span.warnings {
            json.text(warning);
        }
        json.end_array();
    }
    json.end_object();
}

fn write_logs(json: &mut JsonWriter, span: &JaegerSpan<'_>) {
    json.key("logs");
    json.begin_array();
    for log in &span.logs {
        json.begin_object();
        json.key("timestamp");
        json.unsigned(log.time.to_micros());
        json.key("fields");
        write_tags(json, &log.fields);
        json.end_object();
    }
    json.end_array();
}

fn write_tags(json: &mut JsonWriter, tags: &[JaegerTag<'_>]) {
    json.begin_array();
    for tag in tags {
        json.tag(&tag.key, tag.value.type_name(), |json| match tag.value.shown() {
            Shown::Text(text) => json.text(&text),
            Shown::Bool(on) => json.bool(on),
            Shown::Int(number) => json.signed(number),
            Shown::Double(number) => json.double(number),
        });
    }
    json.end_array();
}
