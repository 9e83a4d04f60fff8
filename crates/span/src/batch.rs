//! The one unit that is passed on: spans as flat rows over a text arena.
//!
//! ```text
//! arena      [ request body, decompressed ][ what was written beside it ]
//! resources  ResourceRow  -> attributes
//! scopes     ScopeRow     -> attributes
//! spans      SpanRow      -> resource, scope, attributes, events, links
//! events     EventRow     -> attributes
//! links      LinkRow      -> attributes
//! attributes AttributeRow -> arena
//! ```
//!
//! Invariant, kept by [`crate::BatchBuilder`] as the only maker: every index and every offset of a row
//! lies inside its own batch. So readers index without checks of their own and cannot fail.

mod equal;
mod view;

use bytes::Bytes;

use crate::row::{AttributeRow, EventRow, LinkRow, ResourceRow, Rows, ScopeRow, SpanRow};
use crate::{Source, Text};

pub use view::{EventRef, LinkRef, ResourceRef, ScopeRef, SpanRef};

/// Spans on their way, with everything they refer to. Lossless for OTLP.
#[derive(Clone, Debug, Default)]
pub struct SpanBatch {
    pub(crate) body: Bytes,
    pub(crate) beside: Vec<u8>,
    pub(crate) resources: Vec<ResourceRow>,
    pub(crate) scopes: Vec<ScopeRow>,
    pub(crate) spans: Vec<SpanRow>,
    pub(crate) attributes: Vec<AttributeRow>,
    pub(crate) events: Vec<EventRow>,
    pub(crate) links: Vec<LinkRow>,
    pub(crate) source: Option<Source>,
}

impl SpanBatch {
    /// Returns how many spans there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Tells whether there are no spans.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Returns the memory that the batch holds, in bytes: arena, rows and the source's body.
    pub fn bytes(&self) -> usize {
        let rows = size_of_val(&self.resources[..])
            + size_of_val(&self.scopes[..])
            + size_of_val(&self.spans[..])
            + size_of_val(&self.attributes[..])
            + size_of_val(&self.events[..])
            + size_of_val(&self.links[..]);
        let compressed = match &self.source {
            Some(source) if source.body.as_ptr() != self.body.as_ptr() => source.body.len(),
            _ => 0,
        };
        self.body.len() + self.beside.len() + rows + compressed
    }

    /// Visits the spans in the sender's order.
    pub fn spans(&self) -> impl ExactSizeIterator<Item = SpanRef<'_>> {
        (0..self.spans.len()).map(|row| self.span(row))
    }

    /// Returns the span in `row`. Panics where there is none.
    pub fn span(&self, row: usize) -> SpanRef<'_> {
        SpanRef::new(self, &self.spans[row])
    }

    /// Returns the bytes of one of this batch's texts.
    pub fn text(&self, text: Text) -> &[u8] {
        text.read(&self.body, &self.beside)
    }

    /// Returns the request the batch was decoded from, while the batch still equals it.
    pub fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// Remembers the request that the batch equals: the decoder saw it only decompressed.
    pub fn remember_source(&mut self, source: Source) {
        self.source = Some(source);
    }

    /// Forgets the request: what the batch holds is no longer what it says.
    pub fn forget_source(&mut self) {
        self.source = None;
    }

    /// Returns the resources. Spans refer to them by index.
    pub fn resource_rows(&self) -> &[ResourceRow] {
        &self.resources
    }

    /// Returns the scopes. Spans refer to them by index.
    pub fn scope_rows(&self) -> &[ScopeRow] {
        &self.scopes
    }

    /// Returns the spans as rows.
    pub fn span_rows(&self) -> &[SpanRow] {
        &self.spans
    }

    /// Returns a run of attributes.
    pub fn attribute_rows(&self, rows: Rows) -> &[AttributeRow] {
        &self.attributes[rows.range()]
    }

    /// Returns a run of events.
    pub fn event_rows(&self, rows: Rows) -> &[EventRow] {
        &self.events[rows.range()]
    }

    /// Returns a run of links.
    pub fn link_rows(&self, rows: Rows) -> &[LinkRow] {
        &self.links[rows.range()]
    }
}
