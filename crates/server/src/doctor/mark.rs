//! A marked trace.

use span::{
    BatchBuilder, BatchFull, DurationNanos, ResourceRow, ScopeRow, SpanBatch, SpanId, SpanKind, SpanRow,
    TraceId, UnixNanos, ValueRef,
};

use super::{random, random_trace_id};
use crate::config::Listener;

/// The service of all marked traces.
pub(super) const SERVICE: &str = "tracewell-doctor";
/// The attribute that tells them apart.
pub(super) const TAG: &str = "doctor.mark";
/// The server's clock may differ from ours by so much.
pub(super) const SLACK: DurationNanos = DurationNanos(3_600_000_000_000);

/// What is sent to one listener, and looked for.
pub(super) struct Mark {
    pub(super) id: TraceId,
    pub(super) tag: String,
    pub(super) start: UnixNanos,
    listener: Listener,
}

impl Mark {
    pub(super) fn new(listener: Listener, start: UnixNanos) -> Self {
        Self { id: random_trace_id(), tag: format!("{:016x}", random()), start, listener }
    }

    /// Returns a server span and a client span below it.
    pub(super) fn batch(&self) -> SpanBatch {
        self.build().expect("two small spans fit a batch")
    }

    fn build(&self) -> Result<SpanBatch, BatchFull> {
        let mut builder = BatchBuilder::new();
        let mark = builder.mark();
        builder.push(b"service.name", ValueRef::Str(SERVICE.as_bytes()))?;
        let attributes = builder.since(mark);
        let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
        let scope = builder.scope(ScopeRow::default());
        let (parent, child) = (SpanId::from_u64(random()), SpanId::from_u64(random()));
        let name = format!("check {}", self.listener.name());
        for (span_id, parent_span_id, kind, from, until) in [
            (parent, SpanId::NONE, SpanKind::Server, 0, 5_000_000),
            (child, parent, SpanKind::Client, 1_000_000, 4_000_000),
        ] {
            let mark = builder.mark();
            builder.push(TAG.as_bytes(), ValueRef::Str(self.tag.as_bytes()))?;
            let row = SpanRow {
                trace_id: self.id,
                span_id,
                parent_span_id,
                kind,
                start: self.start.plus(DurationNanos(from)),
                end: self.start.plus(DurationNanos(until)),
                name: builder.text(name.as_bytes())?,
                attributes: builder.since(mark),
                resource,
                scope,
                ..SpanRow::default()
            };
            builder.span(row);
        }
        Ok(builder.finish())
    }
}
