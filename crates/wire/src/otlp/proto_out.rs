//! Writes a batch as `ExportTraceServiceRequest`, which is also the shape of `TracesData`.
//!
//! All that a batch holds is written, residuals behind the fields that this version knows: decoding
//! gives an equal batch again, sorted by resource and scope.

use span::{EventRef, LinkRef, ResourceRef, ScopeRef, SpanBatch, SpanRef, ValueRef};

use super::groups::{Groups, scopes};
use super::number::{
    any_value, event, key_value, link, request, resource, resource_spans, scope, scope_spans,
    span_message as number, status,
};
use crate::proto_writer::ProtoWriter;

/// Writes the batch as protobuf.
pub fn encode_proto(batch: &SpanBatch) -> Vec<u8> {
    let mut out = ProtoWriter::with_capacity(batch.bytes());
    for (first, of_resource) in Groups::of(batch).resources() {
        let owner = first.resource();
        out.message(request::RESOURCE_SPANS, |out| {
            out.message(resource_spans::RESOURCE, |out| write_resource(out, owner));
            for (first, of_scope) in scopes(of_resource) {
                out.message(resource_spans::SCOPE_SPANS, |out| {
                    write_scope_spans(out, first.scope(), of_scope)
                });
            }
            out.bytes_set(resource_spans::SCHEMA_URL, owner.schema_url());
            out.raw(owner.residual());
        });
    }
    out.finish()
}

fn write_resource(out: &mut ProtoWriter, owner: ResourceRef<'_>) {
    write_attributes(out, resource::ATTRIBUTES, owner.attributes());
    out.varint_set(resource::DROPPED_ATTRIBUTES_COUNT, u64::from(owner.row().dropped_attributes_count));
}

fn write_scope_spans(out: &mut ProtoWriter, owner: ScopeRef<'_>, spans: &[SpanRef<'_>]) {
    out.message(scope_spans::SCOPE, |out| {
        out.bytes_set(scope::NAME, owner.name());
        out.bytes_set(scope::VERSION, owner.version());
        write_attributes(out, scope::ATTRIBUTES, owner.attributes());
        out.varint_set(scope::DROPPED_ATTRIBUTES_COUNT, u64::from(owner.row().dropped_attributes_count));
    });
    for span in spans {
        out.message(scope_spans::SPANS, |out| write_span(out, *span));
    }
    out.bytes_set(scope_spans::SCHEMA_URL, owner.schema_url());
    out.raw(owner.residual());
}

fn write_span(out: &mut ProtoWriter, span: SpanRef<'_>) {
    let row = span.row();
    out.bytes(number::TRACE_ID, &row.trace_id.to_bytes());
    out.bytes(number::SPAN_ID, &row.span_id.to_bytes());
    out.bytes_set(number::TRACE_STATE, span.trace_state());
    if !row.parent_span_id.is_none() {
        out.bytes(number::PARENT_SPAN_ID, &row.parent_span_id.to_bytes());
    }
    out.bytes_set(number::NAME, span.name());
    out.varint_set(number::KIND, row.kind as u64);
    out.fixed64_set(number::START, row.start.0);
    out.fixed64_set(number::END, row.end.0);
    write_attributes(out, number::ATTRIBUTES, span.attributes());
    out.varint_set(number::DROPPED_ATTRIBUTES_COUNT, u64::from(row.dropped_attributes_count));
    for event in span.events() {
        out.message(number::EVENTS, |out| write_event(out, event));
    }
    out.varint_set(number::DROPPED_EVENTS_COUNT, u64::from(row.dropped_events_count));
    for link in span.links() {
        out.message(number::LINKS, |out| write_link(out, link));
    }
    out.varint_set(number::DROPPED_LINKS_COUNT, u64::from(row.dropped_links_count));
    if !span.status_message().is_empty() || row.status_code as u64 != 0 {
        out.message(number::STATUS, |out| {
            out.bytes_set(status::MESSAGE, span.status_message());
            out.varint_set(status::CODE, row.status_code as u64);
        });
    }
    out.fixed32_set(number::FLAGS, row.flags);
    out.raw(span.residual());
}

fn write_event(out: &mut ProtoWriter, from: EventRef<'_>) {
    out.fixed64_set(event::TIME, from.time().0);
    out.bytes_set(event::NAME, from.name());
    write_attributes(out, event::ATTRIBUTES, from.attributes());
    out.varint_set(event::DROPPED_ATTRIBUTES_COUNT, u64::from(from.row().dropped_attributes_count));
    out.raw(from.residual());
}

fn write_link(out: &mut ProtoWriter, from: LinkRef<'_>) {
    out.bytes(link::TRACE_ID, &from.trace_id().to_bytes());
    out.bytes(link::SPAN_ID, &from.span_id().to_bytes());
    out.bytes_set(link::TRACE_STATE, from.trace_state());
    write_attributes(out, link::ATTRIBUTES, from.attributes());
    out.varint_set(link::DROPPED_ATTRIBUTES_COUNT, u64::from(from.row().dropped_attributes_count));
    out.fixed32_set(link::FLAGS, from.row().flags);
    out.raw(from.residual());
}

fn write_attributes<'a>(
    out: &mut ProtoWriter,
    number: u32,
    attributes: impl Iterator<Item = (&'a [u8], ValueRef<'a>)>,
) {
    for (key, value) in attributes {
        out.message(number, |out| {
            out.bytes_set(key_value::KEY, key);
            out.message(key_value::VALUE, |out| write_value(out, value));
        });
    }
}

fn write_value(out: &mut ProtoWriter, value: ValueRef<'_>) {
    match value {
        ValueRef::Empty => {}
        ValueRef::Str(bytes) => out.bytes(any_value::STRING, bytes),
        ValueRef::Bool(on) => out.varint(any_value::BOOL, u64::from(on)),
        ValueRef::Int(number) => out.varint(any_value::INT, number as u64),
        ValueRef::Double(number) => out.fixed64(any_value::DOUBLE, number.to_bits()),
        ValueRef::Bytes(bytes) => out.bytes(any_value::BYTES, bytes),
        ValueRef::Array(list) => out.bytes(any_value::ARRAY, list.packed().bytes()),
        ValueRef::Map(map) => out.bytes(any_value::MAP, map.packed().bytes()),
    }
}
