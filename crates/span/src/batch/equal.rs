//! Batches are equal when they say the same, wherever in their arenas it lies.
//!
//! Spans are compared one by one in their order, each with its resource and scope by content; doubles
//! are compared by their bits, so that NaN equals itself. Where a batch came from says nothing.

use super::{EventRef, LinkRef, ResourceRef, ScopeRef, SpanBatch, SpanRef};
use crate::ValueRef;

impl PartialEq for SpanBatch {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.spans().eq(other.spans())
    }
}

impl PartialEq for SpanRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        let plain = |span: &Self| {
            let row = span.row();
            (
                (span.trace_id(), span.span_id(), span.parent_span_id(), span.start(), span.end()),
                (span.kind(), span.status_code(), row.flags),
                (row.dropped_attributes_count, row.dropped_events_count, row.dropped_links_count),
            )
        };
        plain(self) == plain(other)
            && self.name() == other.name()
            && self.status_message() == other.status_message()
            && self.trace_state() == other.trace_state()
            && self.residual() == other.residual()
            && same_attributes(self.attributes(), other.attributes())
            && self.events().eq(other.events())
            && self.links().eq(other.links())
            && self.resource() == other.resource()
            && self.scope() == other.scope()
    }
}

impl PartialEq for ResourceRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.row().dropped_attributes_count == other.row().dropped_attributes_count
            && self.schema_url() == other.schema_url()
            && self.residual() == other.residual()
            && same_attributes(self.attributes(), other.attributes())
    }
}

impl PartialEq for ScopeRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.row().dropped_attributes_count == other.row().dropped_attributes_count
            && self.name() == other.name()
            && self.version() == other.version()
            && self.schema_url() == other.schema_url()
            && self.residual() == other.residual()
            && same_attributes(self.attributes(), other.attributes())
    }
}

impl PartialEq for EventRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.time() == other.time()
            && self.row().dropped_attributes_count == other.row().dropped_attributes_count
            && self.name() == other.name()
            && self.residual() == other.residual()
            && same_attributes(self.attributes(), other.attributes())
    }
}

impl PartialEq for LinkRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        let plain = |link: &Self| (link.trace_id(), link.span_id(), link.row().flags);
        plain(self) == plain(other)
            && self.row().dropped_attributes_count == other.row().dropped_attributes_count
            && self.trace_state() == other.trace_state()
            && self.residual() == other.residual()
            && same_attributes(self.attributes(), other.attributes())
    }
}

fn same_attributes<'a>(
    one: impl Iterator<Item = (&'a [u8], ValueRef<'a>)>,
    other: impl Iterator<Item = (&'a [u8], ValueRef<'a>)>,
) -> bool {
    let bits = |(key, value)| match value {
        ValueRef::Double(number) => (key, None, f64::to_bits(number)),
        value => (key, Some(value), 0),
    };
    one.map(bits).eq(other.map(bits))
}
