//! How a batch is read: views that borrow it and resolve offsets.

use tracewell_context::{SpanId, TraceId};

use super::SpanBatch;
use crate::row::{AttributeRow, EventRow, LinkRow, ResourceRow, Rows, ScopeRow, SpanRow};
use crate::{DurationNanos, Packed, SpanKind, StatusCode, UnixNanos, Value, ValueRef};

/// Declares a view over one kind of row.
macro_rules! view {
    ($(#[$doc:meta])* $name:ident of $row:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<'a> {
            batch: &'a SpanBatch,
            row: &'a $row,
        }

        impl<'a> $name<'a> {
            /// Returns the row itself.
            pub const fn row(self) -> &'a $row {
                self.row
            }

            /// Visits keys and values, in the sender's order; a key may repeat.
            pub fn attributes(self) -> impl ExactSizeIterator<Item = (&'a [u8], ValueRef<'a>)> + Clone {
                attributes(self.batch, self.row.attributes)
            }

            /// Returns the value of `key`; of several the last one.
            pub fn attribute(self, key: &[u8]) -> Option<ValueRef<'a>> {
                let rows = self.batch.attribute_rows(self.row.attributes);
                let row = rows.iter().rev().find(|row| self.batch.text(row.key) == key)?;
                Some(resolve(self.batch, row.value))
            }

            /// Returns the fields of OTLP's message that this version does not know, as protobuf.
            pub fn residual(self) -> &'a [u8] {
                self.batch.text(self.row.residual)
            }
        }
    };
}

view! {
    /// A span and what it refers to.
    SpanRef of SpanRow
}
view! {
    /// What produced a span.
    ResourceRef of ResourceRow
}
view! {
    /// The library that recorded a span.
    ScopeRef of ScopeRow
}
view! {
    /// Something that happened while a span was open.
    EventRef of EventRow
}
view! {
    /// A reference to another span.
    LinkRef of LinkRow
}

impl<'a> SpanRef<'a> {
    pub(crate) const fn new(batch: &'a SpanBatch, row: &'a SpanRow) -> Self {
        Self { batch, row }
    }

    /// Returns the batch it is of.
    pub const fn batch(self) -> &'a SpanBatch {
        self.batch
    }

    /// Returns the trace it belongs to.
    pub const fn trace_id(self) -> TraceId {
        self.row.trace_id
    }

    /// Returns its own id.
    pub const fn span_id(self) -> SpanId {
        self.row.span_id
    }

    /// Returns its parent's id; [`SpanId::NONE`] for a root.
    pub const fn parent_span_id(self) -> SpanId {
        self.row.parent_span_id
    }

    /// Returns when it began.
    pub const fn start(self) -> UnixNanos {
        self.row.start
    }

    /// Returns when it ended.
    pub const fn end(self) -> UnixNanos {
        self.row.end
    }

    /// Returns how long it took; zero where it ended before it began.
    pub const fn duration(self) -> DurationNanos {
        self.row.end.since(self.row.start)
    }

    /// Returns its name as sent.
    pub fn name(self) -> &'a [u8] {
        self.batch.text(self.row.name)
    }

    /// Returns its role in a call.
    pub const fn kind(self) -> SpanKind {
        self.row.kind
    }

    /// Returns how it ended.
    pub const fn status_code(self) -> StatusCode {
        self.row.status_code
    }

    /// Returns what its status says.
    pub fn status_message(self) -> &'a [u8] {
        self.batch.text(self.row.status_message)
    }

    /// Returns its W3C `tracestate`.
    pub fn trace_state(self) -> &'a [u8] {
        self.batch.text(self.row.trace_state)
    }

    /// Returns what produced it.
    pub fn resource(self) -> ResourceRef<'a> {
        ResourceRef { batch: self.batch, row: &self.batch.resources[self.row.resource as usize] }
    }

    /// Returns the library that recorded it.
    pub fn scope(self) -> ScopeRef<'a> {
        ScopeRef { batch: self.batch, row: &self.batch.scopes[self.row.scope as usize] }
    }

    /// Visits its events, in the sender's order.
    pub fn events(self) -> impl ExactSizeIterator<Item = EventRef<'a>> + Clone {
        let batch = self.batch;
        batch.event_rows(self.row.events).iter().map(move |row| EventRef { batch, row })
    }

    /// Visits its links, in the sender's order.
    pub fn links(self) -> impl ExactSizeIterator<Item = LinkRef<'a>> + Clone {
        let batch = self.batch;
        batch.link_rows(self.row.links).iter().map(move |row| LinkRef { batch, row })
    }
}

impl<'a> ResourceRef<'a> {
    /// Returns `service.name`, where it is a string.
    pub fn service_name(self) -> Option<&'a [u8]> {
        self.attribute(b"service.name")?.as_str()
    }

    /// Returns the schema its attributes follow.
    pub fn schema_url(self) -> &'a [u8] {
        self.batch.text(self.row.schema_url)
    }
}

impl<'a> ScopeRef<'a> {
    /// Returns its name.
    pub fn name(self) -> &'a [u8] {
        self.batch.text(self.row.name)
    }

    /// Returns its version.
    pub fn version(self) -> &'a [u8] {
        self.batch.text(self.row.version)
    }

    /// Returns the schema its spans follow.
    pub fn schema_url(self) -> &'a [u8] {
        self.batch.text(self.row.schema_url)
    }
}

impl<'a> EventRef<'a> {
    /// Returns when it happened.
    pub const fn time(self) -> UnixNanos {
        self.row.time
    }

    /// Returns what happened.
    pub fn name(self) -> &'a [u8] {
        self.batch.text(self.row.name)
    }
}

impl<'a> LinkRef<'a> {
    /// Returns the trace it points to.
    pub const fn trace_id(self) -> TraceId {
        self.row.trace_id
    }

    /// Returns the span it points to.
    pub const fn span_id(self) -> SpanId {
        self.row.span_id
    }

    /// Returns the W3C `tracestate` of the other span.
    pub fn trace_state(self) -> &'a [u8] {
        self.batch.text(self.row.trace_state)
    }
}

fn attributes(batch: &SpanBatch, rows: Rows) -> impl ExactSizeIterator<Item = (&[u8], ValueRef<'_>)> + Clone {
    batch
        .attribute_rows(rows)
        .iter()
        .map(move |AttributeRow { key, value }| (batch.text(*key), resolve(batch, *value)))
}

fn resolve(batch: &SpanBatch, value: Value) -> ValueRef<'_> {
    match value {
        Value::Empty => ValueRef::Empty,
        Value::Str(text) => ValueRef::Str(batch.text(text)),
        Value::Bool(on) => ValueRef::Bool(on),
        Value::Int(number) => ValueRef::Int(number),
        Value::Double(number) => ValueRef::Double(number),
        Value::Bytes(text) => ValueRef::Bytes(batch.text(text)),
        Value::Array(text) => ValueRef::Array(Packed::new(batch.text(text)).list()),
        Value::Map(text) => ValueRef::Map(Packed::new(batch.text(text)).map()),
    }
}
