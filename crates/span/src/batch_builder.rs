//! The only maker of batches.
//!
//! A decoder walks a request and says, for each resource: its attributes, then the resource; for each
//! scope likewise; for each span its attributes, then its events (each after its own attributes), then
//! its links, then the span. Attributes of one owner must be contiguous, so [`BatchBuilder::mark`]
//! is taken before the first and [`BatchBuilder::since`] after the last one.
//!
//! Texts that lie in the request body cost nothing ([`BatchBuilder::text`] finds them by address);
//! all others are copied beside it.

use bytes::Bytes;
use hashbrown::HashMap;

use crate::batch::SpanBatch;
use crate::batch::{ResourceRef, ScopeRef, SpanRef};
use crate::row::{AttributeRow, EventRow, LinkRow, ResourceRow, Rows, ScopeRow, SpanRow};
use crate::{BATCH_BYTES_MAX, Source, Text, Value, ValueRef};

/// Fills a [`SpanBatch`].
#[derive(Debug, Default)]
pub struct BatchBuilder {
    batch: SpanBatch,
    /// What the batch should take at most; nothing where no bound is set.
    bytes_max: Option<usize>,
}

/// The batch cannot hold more text: [`BATCH_BYTES_MAX`] is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchFull;

/// Where the rows of one owner begin, in the attribute, event and link tables.
#[derive(Debug, Clone, Copy)]
#[expect(unnameable_types, reason = "only ever handed back to the builder that made it")]
pub struct Mark {
    attributes: u32,
    events: u32,
    links: u32,
}

/// Remembers which resources and scopes of one source batch were copied already.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    resources: HashMap<u32, u32, foldhash::fast::RandomState>,
    scopes: HashMap<u32, u32, foldhash::fast::RandomState>,
}

impl BatchBuilder {
    /// Starts a batch without a body: all texts will be copied.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a batch that should take at most so many bytes. Whoever fills it looks, from time to time, whether
    /// there [is room](Self::has_room).
    pub fn bounded(bytes_max: usize) -> Self {
        Self { bytes_max: Some(bytes_max), ..Self::default() }
    }

    /// Tells whether the batch takes less than its bound; true where it has none.
    pub fn has_room(&self) -> bool {
        self.bytes_max.is_none_or(|bytes_max| self.batch.bytes() < bytes_max)
    }

    /// Starts a batch whose texts may point into `body`, the decompressed request. Refuses a body
    /// that is larger than offsets reach.
    pub fn over(body: Bytes) -> Result<Self, BatchFull> {
        if BATCH_BYTES_MAX < body.len() {
            return Err(BatchFull);
        }
        Ok(Self { batch: SpanBatch { body, ..SpanBatch::default() }, ..Self::default() })
    }

    /// Remembers the request that the batch equals.
    pub fn source(&mut self, source: Source) {
        self.batch.source = Some(source);
    }

    /// Takes text. Bytes that lie in the body are pointed at, others are copied.
    #[inline]
    pub fn text(&mut self, bytes: &[u8]) -> Result<Text, BatchFull> {
        if bytes.is_empty() {
            return Ok(Text::EMPTY);
        }
        // Plain address arithmetic; nothing is read through these numbers.
        let offset = (bytes.as_ptr() as usize).wrapping_sub(self.batch.body.as_ptr() as usize);
        if offset < self.batch.body.len() && bytes.len() <= self.batch.body.len() - offset {
            return Ok(Text::in_body(offset, bytes.len()));
        }
        let offset = self.batch.beside.len();
        if BATCH_BYTES_MAX < offset + bytes.len() {
            return Err(BatchFull);
        }
        self.batch.beside.extend_from_slice(bytes);
        Ok(Text::beside(offset, bytes.len()))
    }

    /// Takes a value. Packed arrays and maps must have been checked.
    pub fn value(&mut self, value: ValueRef<'_>) -> Result<Value, BatchFull> {
        Ok(match value {
            ValueRef::Empty => Value::Empty,
            ValueRef::Str(bytes) => Value::Str(self.text(bytes)?),
            ValueRef::Bool(on) => Value::Bool(on),
            ValueRef::Int(number) => Value::Int(number),
            ValueRef::Double(number) => Value::Double(number),
            ValueRef::Bytes(bytes) => Value::Bytes(self.text(bytes)?),
            ValueRef::Array(list) => Value::Array(self.text(list.packed().bytes())?),
            ValueRef::Map(map) => Value::Map(self.text(map.packed().bytes())?),
        })
    }

    /// Returns where the rows of the next owner begin.
    #[inline]
    pub fn mark(&self) -> Mark {
        Mark {
            attributes: self.batch.attributes.len() as u32,
            events: self.batch.events.len() as u32,
            links: self.batch.links.len() as u32,
        }
    }

    /// Returns the attributes that came since `mark`.
    #[inline]
    pub fn since(&self, mark: Mark) -> Rows {
        Rows { first: mark.attributes, count: self.batch.attributes.len() as u32 - mark.attributes }
    }

    /// Returns the events that came since `mark`.
    #[inline]
    pub fn events_since(&self, mark: Mark) -> Rows {
        Rows { first: mark.events, count: self.batch.events.len() as u32 - mark.events }
    }

    /// Returns the links that came since `mark`.
    #[inline]
    pub fn links_since(&self, mark: Mark) -> Rows {
        Rows { first: mark.links, count: self.batch.links.len() as u32 - mark.links }
    }

    /// Takes back every attribute, event and link since `mark`: their owner was refused.
    pub fn rewind(&mut self, mark: Mark) {
        self.batch.attributes.truncate(mark.attributes as usize);
        self.batch.events.truncate(mark.events as usize);
        self.batch.links.truncate(mark.links as usize);
    }

    /// Adds an attribute whose key and value are taken already.
    #[inline]
    pub fn attribute(&mut self, key: Text, value: Value) {
        self.batch.attributes.push(AttributeRow { key, value });
    }

    /// Takes a key and a value, and adds them as an attribute.
    pub fn push(&mut self, key: &[u8], value: ValueRef<'_>) -> Result<(), BatchFull> {
        let key = self.text(key)?;
        let value = self.value(value)?;
        self.attribute(key, value);
        Ok(())
    }

    /// Adds an event, after its attributes.
    #[inline]
    pub fn event(&mut self, row: EventRow) {
        self.batch.events.push(row);
    }

    /// Adds a link, after its attributes.
    #[inline]
    pub fn link(&mut self, row: LinkRow) {
        self.batch.links.push(row);
    }

    /// Adds a resource, after its attributes, and returns its index.
    pub fn resource(&mut self, row: ResourceRow) -> u32 {
        self.batch.resources.push(row);
        self.batch.resources.len() as u32 - 1
    }

    /// Adds a scope, after its attributes, and returns its index.
    pub fn scope(&mut self, row: ScopeRow) -> u32 {
        self.batch.scopes.push(row);
        self.batch.scopes.len() as u32 - 1
    }

    /// Rewrites a resource: its sender said more about it behind its spans. Panics where there is none.
    pub fn rewrite_resource(&mut self, index: u32, row: ResourceRow) {
        self.batch.resources[index as usize] = row;
    }

    /// Rewrites a scope, likewise.
    pub fn rewrite_scope(&mut self, index: u32, row: ScopeRow) {
        self.batch.scopes[index as usize] = row;
    }

    /// Adds a span, after all it refers to. Panics where it refers to a resource or scope that does
    /// not exist.
    #[inline]
    pub fn span(&mut self, row: SpanRow) {
        assert!((row.resource as usize) < self.batch.resources.len(), "the span's resource comes first");
        assert!((row.scope as usize) < self.batch.scopes.len(), "the span's scope comes first");
        self.batch.spans.push(row);
    }

    /// Returns how many spans there are so far.
    pub fn span_count(&self) -> usize {
        self.batch.spans.len()
    }

    /// Returns the batch.
    pub fn finish(self) -> SpanBatch {
        self.batch
    }

    /// Copies spans of another batch, each resource and scope once.
    pub fn append<'a>(&mut self, spans: impl IntoIterator<Item = SpanRef<'a>>) -> Result<(), BatchFull> {
        let mut copied = Copied::default();
        let mut from: Option<&SpanBatch> = None;
        for span in spans {
            if !from.is_some_and(|batch| std::ptr::eq(batch, span.batch())) {
                copied = Copied::default();
                from = Some(span.batch());
            }
            self.append_one(span, &mut copied)?;
        }
        Ok(())
    }

    /// Copies one span; `copied` belongs to the batch the span is of.
    pub(crate) fn append_one(&mut self, span: SpanRef<'_>, copied: &mut Copied) -> Result<(), BatchFull> {
        let row = *span.row();
        let resource = match copied.resources.get(&row.resource) {
            Some(&index) => index,
            None => {
                let index = self.append_resource(span.resource())?;
                copied.resources.insert(row.resource, index);
                index
            }
        };
        let scope = match copied.scopes.get(&row.scope) {
            Some(&index) => index,
            None => {
                let index = self.append_scope(span.scope())?;
                copied.scopes.insert(row.scope, index);
                index
            }
        };
        let attributes = self.append_attributes(span.attributes())?;
        let mark = self.mark();
        for event in span.events() {
            let row = *event.row();
            let attributes = self.append_attributes(event.attributes())?;
            let name = self.text(event.name())?;
            let residual = self.text(event.residual())?;
            self.event(EventRow { name, attributes, residual, ..row });
        }
        for link in span.links() {
            let row = *link.row();
            let attributes = self.append_attributes(link.attributes())?;
            let trace_state = self.text(link.trace_state())?;
            let residual = self.text(link.residual())?;
            self.link(LinkRow { trace_state, attributes, residual, ..row });
        }
        let row = SpanRow {
            resource,
            scope,
            name: self.text(span.name())?,
            status_message: self.text(span.status_message())?,
            trace_state: self.text(span.trace_state())?,
            attributes,
            events: self.events_since(mark),
            links: self.links_since(mark),
            residual: self.text(span.residual())?,
            ..row
        };
        self.span(row);
        Ok(())
    }

    fn append_resource(&mut self, resource: ResourceRef<'_>) -> Result<u32, BatchFull> {
        let row = ResourceRow {
            attributes: self.append_attributes(resource.attributes())?,
            dropped_attributes_count: resource.row().dropped_attributes_count,
            schema_url: self.text(resource.schema_url())?,
            residual: self.text(resource.residual())?,
        };
        Ok(self.resource(row))
    }

    fn append_scope(&mut self, scope: ScopeRef<'_>) -> Result<u32, BatchFull> {
        let row = ScopeRow {
            name: self.text(scope.name())?,
            version: self.text(scope.version())?,
            attributes: self.append_attributes(scope.attributes())?,
            dropped_attributes_count: scope.row().dropped_attributes_count,
            schema_url: self.text(scope.schema_url())?,
            residual: self.text(scope.residual())?,
        };
        Ok(self.scope(row))
    }

    fn append_attributes<'a>(
        &mut self,
        attributes: impl Iterator<Item = (&'a [u8], ValueRef<'a>)>,
    ) -> Result<Rows, BatchFull> {
        let mark = self.mark();
        for (key, value) in attributes {
            self.push(key, value)?;
        }
        Ok(self.since(mark))
    }
}

impl std::fmt::Display for BatchFull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a batch holds at most {BATCH_BYTES_MAX} bytes of text")
    }
}

impl std::error::Error for BatchFull {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SpanId, TraceId, UnixNanos};

    fn one_span(builder: &mut BatchBuilder, name: &[u8]) {
        let mark = builder.mark();
        builder.push(b"service.name", ValueRef::Str(b"cart")).unwrap();
        let attributes = builder.since(mark);
        let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
        let scope = builder.scope(ScopeRow::default());
        let mark = builder.mark();
        builder.push(b"when", ValueRef::Int(7)).unwrap();
        let attributes = builder.since(mark);
        let mark = builder.mark();
        builder.push(b"in.event", ValueRef::Bool(true)).unwrap();
        let of_event = builder.since(mark);
        let event_name = builder.text(b"retry").unwrap();
        builder.event(EventRow { name: event_name, attributes: of_event, ..EventRow::default() });
        let name = builder.text(name).unwrap();
        builder.span(SpanRow {
            trace_id: TraceId::from_halves(1, 2),
            span_id: SpanId::from_u64(3),
            start: UnixNanos(10),
            end: UnixNanos(15),
            name,
            resource,
            scope,
            attributes,
            events: builder.events_since(mark),
            ..SpanRow::default()
        });
    }

    #[test]
    fn text_in_the_body_is_not_copied() {
        let body = Bytes::from_static(b"..GET /cart..");
        let mut builder = BatchBuilder::over(body.clone()).unwrap();
        one_span(&mut builder, &body[2..11]);
        let batch = builder.finish();
        assert_eq!(batch.span(0).name(), b"GET /cart");
        assert_eq!(batch.beside, b"service.namecartwhenin.eventretry");
    }

    #[test]
    fn copied_spans_equal_their_originals() {
        let mut first = BatchBuilder::new();
        one_span(&mut first, b"a");
        one_span(&mut first, b"b");
        let first = first.finish();
        let mut second = BatchBuilder::new();
        second.append(first.spans()).unwrap();
        let second = second.finish();
        assert_eq!(second.len(), 2);
        for (copy, original) in second.spans().zip(first.spans()) {
            assert_eq!(copy.name(), original.name());
            assert!(copy.attributes().eq(original.attributes()));
            assert_eq!(copy.resource().service_name(), Some(&b"cart"[..]));
            let events = |span: SpanRef<'_>| span.events().map(|e| e.name().to_vec()).collect::<Vec<_>>();
            assert_eq!(events(copy), events(original));
        }
    }

    #[test]
    fn a_body_beyond_offsets_is_refused() {
        let body = Bytes::from(vec![0; BATCH_BYTES_MAX + 1]);
        assert_eq!(BatchBuilder::over(body).unwrap_err(), BatchFull);
    }
}
