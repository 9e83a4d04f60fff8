//! Spans in the words of the facts: what a fact does not mention has a plain value.

use span::{
    BatchBuilder, EventRow, ResourceRow, ScopeRow, SpanBatch, SpanId, SpanKind, SpanRow, StatusCode, Tenant,
    TraceId, UnixNanos, ValueRef,
};

use crate::Write;

/// A span to be written, in the words of the facts.
#[derive(Clone, Debug)]
pub struct Sketch<'a> {
    /// Low half of the trace id.
    pub trace: u64,
    /// The span id.
    pub id: u64,
    /// The parent's id; 0 for a root.
    pub parent: u64,
    /// `service.name`; `None` leaves it out.
    pub service: Option<&'a str>,
    /// The span name.
    pub name: &'a str,
    /// The kind.
    pub kind: SpanKind,
    /// Start, in nanoseconds.
    pub start: u64,
    /// Length, in nanoseconds.
    pub duration: u64,
    /// The status code.
    pub status: StatusCode,
    /// Attributes of the span.
    pub attributes: &'a [(&'a str, ValueRef<'a>)],
    /// Attributes of the resource, beside `service.name`.
    pub of_resource: &'a [(&'a str, ValueRef<'a>)],
    /// Attributes of an event `retry`; none where empty.
    pub of_event: &'a [(&'a str, ValueRef<'a>)],
}

/// Returns a span of 10 ns named `name` in `service`, its id that of its trace.
pub fn one<'a>(service: &'a str, name: &'a str, trace: u64, start: u64) -> Sketch<'a> {
    Sketch {
        trace,
        id: trace,
        parent: 0,
        service: Some(service),
        name,
        kind: SpanKind::Server,
        start,
        duration: 10,
        status: StatusCode::Unset,
        attributes: &[],
        of_resource: &[],
        of_event: &[],
    }
}

/// Returns a batch of one sketched span, of the default tenant.
pub fn write(sketch: &Sketch<'_>) -> Write {
    Write { tenant: Tenant::default(), received: UnixNanos(sketch.start), batch: batch(sketch) }
}

pub(super) fn batch(sketch: &Sketch<'_>) -> SpanBatch {
    let mut builder = BatchBuilder::new();
    let push = |builder: &mut BatchBuilder, all: &[(&str, ValueRef<'_>)]| {
        for (key, value) in all {
            builder.push(key.as_bytes(), *value).expect("sketches are small");
        }
    };
    let mark = builder.mark();
    if let Some(service) = sketch.service {
        push(&mut builder, &[("service.name", ValueRef::Str(service.as_bytes()))]);
    }
    push(&mut builder, sketch.of_resource);
    let attributes = builder.since(mark);
    let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
    let name = builder.text(b"otel.lib").expect("sketches are small");
    let scope = builder.scope(ScopeRow { name, ..ScopeRow::default() });
    let mark = builder.mark();
    push(&mut builder, sketch.attributes);
    let attributes = builder.since(mark);
    let mark = builder.mark();
    if !sketch.of_event.is_empty() {
        push(&mut builder, sketch.of_event);
        let attributes = builder.since(mark);
        let name = builder.text(b"retry").expect("sketches are small");
        builder.event(EventRow { name, attributes, time: UnixNanos(sketch.start), ..EventRow::default() });
    }
    let events = builder.events_since(mark);
    let name = builder.text(sketch.name.as_bytes()).expect("sketches are small");
    builder.span(SpanRow {
        trace_id: TraceId::from_halves(0, sketch.trace),
        span_id: SpanId::from_u64(sketch.id),
        parent_span_id: SpanId::from_u64(sketch.parent),
        start: UnixNanos(sketch.start),
        end: UnixNanos(sketch.start.saturating_add(sketch.duration)),
        resource,
        scope,
        name,
        kind: sketch.kind,
        status_code: sketch.status,
        attributes,
        events,
        ..SpanRow::default()
    });
    builder.finish()
}
