//! The rows of a batch: fixed sizes, pointing at each other by index and at the arena by offset.

use std::ops::Range;

use tracewell_context::{SpanId, TraceId};

use crate::{SpanKind, StatusCode, Text, UnixNanos, Value};

/// A run of rows in one of a batch's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Rows {
    /// The first row.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// One span. `Text`s point into the batch's arena; an empty text is the field's absence.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpanRow {
    /// The trace it belongs to; all zeros where the sender gave none.
    pub trace_id: TraceId,
    /// Its own id; all zeros where the sender gave none.
    pub span_id: SpanId,
    /// The span that caused it; all zeros for a root.
    pub parent_span_id: SpanId,
    /// When it began, by the sender's clock.
    pub start: UnixNanos,
    /// When it ended, by the sender's clock. May lie before `start`.
    pub end: UnixNanos,
    /// Index into [`crate::SpanBatch::resource_rows`].
    pub resource: u32,
    /// Index into [`crate::SpanBatch::scope_rows`].
    pub scope: u32,
    /// The operation.
    pub name: Text,
    /// The role in a call.
    pub kind: SpanKind,
    /// How it ended.
    pub status_code: StatusCode,
    /// What the status says.
    pub status_message: Text,
    /// W3C trace flags and OTLP's remote bits.
    pub flags: u32,
    /// W3C `tracestate`.
    pub trace_state: Text,
    /// Its attributes.
    pub attributes: Rows,
    /// Its events.
    pub events: Rows,
    /// Its links.
    pub links: Rows,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// How many events the sender dropped.
    pub dropped_events_count: u32,
    /// How many links the sender dropped.
    pub dropped_links_count: u32,
    /// Fields of OTLP's `Span` (its `Status`'s inside field 15) that this version does not know, as protobuf.
    pub residual: Text,
}

/// What produced spans: a service instance. Two rows may be equal; readers compare by content.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResourceRow {
    /// Its attributes.
    pub attributes: Rows,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// The schema its attributes follow.
    pub schema_url: Text,
    /// Unknown fields of OTLP's `ResourceSpans` (the `Resource`'s own inside its field 1), as protobuf.
    pub residual: Text,
}

/// The instrumentation library that recorded spans.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScopeRow {
    /// Its name.
    pub name: Text,
    /// Its version.
    pub version: Text,
    /// Its attributes.
    pub attributes: Rows,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// The schema its spans follow.
    pub schema_url: Text,
    /// Unknown fields of OTLP's `ScopeSpans` (the scope's own inside its field 1), as protobuf.
    pub residual: Text,
}

/// One attribute of a span, resource, scope, event or link.
#[derive(Clone, Copy, Debug)]
pub struct AttributeRow {
    /// Its key, as sent: it may repeat, be empty, or be no UTF-8.
    pub key: Text,
    /// Its value.
    pub value: Value,
}

/// Something that happened while a span was open.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventRow {
    /// When, by the sender's clock.
    pub time: UnixNanos,
    /// What.
    pub name: Text,
    /// Its attributes.
    pub attributes: Rows,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// Unknown fields of OTLP's `Span.Event`, as protobuf.
    pub residual: Text,
}

/// A reference from a span to another span, often of another trace.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkRow {
    /// The trace it points to.
    pub trace_id: TraceId,
    /// The span it points to.
    pub span_id: SpanId,
    /// W3C trace flags and OTLP's remote bits.
    pub flags: u32,
    /// W3C `tracestate` of the other span.
    pub trace_state: Text,
    /// Its attributes.
    pub attributes: Rows,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// Unknown fields of OTLP's `Span.Link`, as protobuf.
    pub residual: Text,
}

impl Rows {
    /// Returns the run as a range of indices.
    pub fn range(self) -> Range<usize> {
        self.first as usize..self.first as usize + self.count as usize
    }
}
