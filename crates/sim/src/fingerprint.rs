//! A span's whole content as one number: two spans have the same exactly when nothing differs.

use std::hash::{DefaultHasher, Hasher as _};

use span::{SpanRef, ValueRef};

/// Returns the fingerprint of a span, its resource and its scope included.
pub(crate) fn fingerprint(span: SpanRef<'_>) -> u64 {
    let row = span.row();
    let mut hash = Hash::default();
    hash.bytes(&span.trace_id().to_bytes());
    for number in [span.span_id().to_u64(), span.parent_span_id().to_u64(), span.start().0, span.end().0] {
        hash.number(number);
    }
    for number in [
        span.kind() as u32,
        span.status_code() as u32,
        row.flags,
        row.dropped_attributes_count,
        row.dropped_events_count,
        row.dropped_links_count,
    ] {
        hash.number(u64::from(number));
    }
    for text in [span.name(), span.status_message(), span.trace_state(), span.residual()] {
        hash.bytes(text);
    }
    let (resource, scope) = (span.resource(), span.scope());
    for text in [resource.schema_url(), resource.residual(), scope.name(), scope.version()] {
        hash.bytes(text);
    }
    for text in [scope.schema_url(), scope.residual()] {
        hash.bytes(text);
    }
    hash.number(u64::from(resource.row().dropped_attributes_count));
    hash.number(u64::from(scope.row().dropped_attributes_count));
    hash.attributes(resource.attributes());
    hash.attributes(scope.attributes());
    hash.attributes(span.attributes());
    hash.number(span.events().len() as u64);
    for event in span.events() {
        hash.number(event.time().0);
        hash.number(u64::from(event.row().dropped_attributes_count));
        hash.bytes(event.name());
        hash.bytes(event.residual());
        hash.attributes(event.attributes());
    }
    hash.number(span.links().len() as u64);
    for link in span.links() {
        hash.bytes(&link.trace_id().to_bytes());
        hash.number(link.span_id().to_u64());
        hash.number(u64::from(link.row().flags));
        hash.number(u64::from(link.row().dropped_attributes_count));
        hash.bytes(link.trace_state());
        hash.bytes(link.residual());
        hash.attributes(link.attributes());
    }
    hash.0.finish()
}

/// The standard hasher with its fixed keys: the same numbers in every process.
#[derive(Default)]
struct Hash(DefaultHasher);

impl Hash {
    fn number(&mut self, number: u64) {
        self.0.write_u64(number);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.write(bytes);
    }

    fn attributes<'a>(&mut self, all: impl ExactSizeIterator<Item = (&'a [u8], ValueRef<'a>)>) {
        self.number(all.len() as u64);
        for (key, value) in all {
            self.bytes(key);
            self.value(value);
        }
    }

    fn value(&mut self, value: ValueRef<'_>) {
        let (kind, number, bytes): (u8, u64, &[u8]) = match value {
            ValueRef::Empty => (0, 0, &[]),
            ValueRef::Str(bytes) => (1, 0, bytes),
            ValueRef::Bool(truth) => (2, u64::from(truth), &[]),
            ValueRef::Int(number) => (3, number as u64, &[]),
            ValueRef::Double(number) => (4, number.to_bits(), &[]),
            ValueRef::Bytes(bytes) => (5, 0, bytes),
            ValueRef::Array(list) => (6, 0, list.packed().bytes()),
            ValueRef::Map(map) => (7, 0, map.packed().bytes()),
        };
        self.0.write_u8(kind);
        self.number(number);
        self.bytes(bytes);
    }
}
