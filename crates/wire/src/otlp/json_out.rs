//! Writes a batch as OTLP/JSON: hex ids, enums as integers, 64-bit integers as strings.
//!
//! Zero and empty fields are left out; resource, scope and status are always there, as in Jaeger's v3
//! answers. Residuals are left out too: a field that this version does not know has no name. Text that is
//! no UTF-8 is written as [`crate::valid_text`] has it.

use span::{EventRef, LinkRef, ResourceRef, ScopeRef, SpanBatch, SpanRef, ValueRef};

use super::groups::{Groups, scopes};
use crate::json_writer::JsonWriter;
use crate::valid_text;

/// Writes the batch as `{"resourceSpans":[..]}`.
pub fn encode_json(batch: &SpanBatch) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * batch.bytes());
    encode_json_into(batch, &mut out);
    out
}

/// Appends the batch, as [`encode_json`] writes it.
pub fn encode_json_into(batch: &SpanBatch, out: &mut Vec<u8>) {
    let batch = valid_text(batch);
    let groups = Groups::of(&batch);
    JsonWriter::new(out).object(|out| {
        out.key("resourceSpans").array(|out| {
            for (first, of_resource) in groups.resources() {
                out.object(|out| write_resource_spans(out, first.resource(), of_resource));
            }
        });
    });
}

fn write_resource_spans(out: &mut JsonWriter<'_>, owner: ResourceRef<'_>, spans: &[SpanRef<'_>]) {
    out.key("resource").object(|out| {
        write_attributes(out, owner.attributes());
        write_count(out, "droppedAttributesCount", owner.row().dropped_attributes_count);
    });
    out.key("scopeSpans").array(|out| {
        for (first, of_scope) in scopes(spans) {
            out.object(|out| write_scope_spans(out, first.scope(), of_scope));
        }
    });
    write_text(out, "schemaUrl", owner.schema_url());
}

fn write_scope_spans(out: &mut JsonWriter<'_>, owner: ScopeRef<'_>, spans: &[SpanRef<'_>]) {
    out.key("scope").object(|out| {
        write_text(out, "name", owner.name());
        write_text(out, "version", owner.version());
        write_attributes(out, owner.attributes());
        write_count(out, "droppedAttributesCount", owner.row().dropped_attributes_count);
    });
    out.key("spans").array(|out| {
        for span in spans {
            out.object(|out| write_span(out, *span));
        }
    });
    write_text(out, "schemaUrl", owner.schema_url());
}

fn write_span(out: &mut JsonWriter<'_>, span: SpanRef<'_>) {
    let row = span.row();
    out.key("traceId").hex(&row.trace_id.to_bytes());
    out.key("spanId").hex(&row.span_id.to_bytes());
    write_text(out, "traceState", span.trace_state());
    if !row.parent_span_id.is_none() {
        out.key("parentSpanId").hex(&row.parent_span_id.to_bytes());
    }
    write_count(out, "flags", row.flags);
    write_text(out, "name", span.name());
    write_count(out, "kind", row.kind as u32);
    write_time(out, "startTimeUnixNano", row.start.0);
    write_time(out, "endTimeUnixNano", row.end.0);
    write_attributes(out, span.attributes());
    write_count(out, "droppedAttributesCount", row.dropped_attributes_count);
    if 0 < span.events().len() {
        out.key("events").array(|out| span.events().for_each(|event| write_event(out, event)));
    }
    write_count(out, "droppedEventsCount", row.dropped_events_count);
    if 0 < span.links().len() {
        out.key("links").array(|out| span.links().for_each(|link| write_link(out, link)));
    }
    write_count(out, "droppedLinksCount", row.dropped_links_count);
    out.key("status").object(|out| {
        write_text(out, "message", span.status_message());
        write_count(out, "code", row.status_code as u32);
    });
}

fn write_event(out: &mut JsonWriter<'_>, event: EventRef<'_>) {
    out.object(|out| {
        write_time(out, "timeUnixNano", event.time().0);
        write_text(out, "name", event.name());
        write_attributes(out, event.attributes());
        write_count(out, "droppedAttributesCount", event.row().dropped_attributes_count);
    });
}

fn write_link(out: &mut JsonWriter<'_>, link: LinkRef<'_>) {
    out.object(|out| {
        out.key("traceId").hex(&link.trace_id().to_bytes());
        out.key("spanId").hex(&link.span_id().to_bytes());
        write_text(out, "traceState", link.trace_state());
        write_attributes(out, link.attributes());
        write_count(out, "droppedAttributesCount", link.row().dropped_attributes_count);
        write_count(out, "flags", link.row().flags);
    });
}

fn write_attributes<'a>(
    out: &mut JsonWriter<'_>,
    attributes: impl ExactSizeIterator<Item = (&'a [u8], ValueRef<'a>)>,
) {
    if attributes.len() == 0 {
        return;
    }
    out.key("attributes").array(|out| {
        for (key, value) in attributes {
            write_entry(out, key, value);
        }
    });
}

fn write_entry(out: &mut JsonWriter<'_>, key: &[u8], value: ValueRef<'_>) {
    out.object(|out| {
        out.key("key").text(key);
        out.key("value");
        write_value(out, value);
    });
}

/// Writes an `AnyValue`. The recursion ends where nesting does, at [`span::DEPTH_MAX`].
fn write_value(out: &mut JsonWriter<'_>, value: ValueRef<'_>) {
    out.object(|out| match value {
        ValueRef::Empty => {}
        ValueRef::Str(bytes) => out.key("stringValue").text(bytes),
        ValueRef::Bool(on) => out.key("boolValue").bool(on),
        ValueRef::Int(number) => out.key("intValue").int(number),
        ValueRef::Double(number) => out.key("doubleValue").double(number),
        ValueRef::Bytes(bytes) => out.key("bytesValue").base64(bytes),
        ValueRef::Array(list) => out.key("arrayValue").object(|out| {
            out.key("values").array(|out| list.iter().for_each(|value| write_value(out, value)));
        }),
        ValueRef::Map(map) => out.key("kvlistValue").object(|out| {
            out.key("values").array(|out| map.iter().for_each(|(key, value)| write_entry(out, key, value)));
        }),
    });
}

fn write_text(out: &mut JsonWriter<'_>, key: &'static str, bytes: &[u8]) {
    if !bytes.is_empty() {
        out.key(key).text(bytes);
    }
}

fn write_count(out: &mut JsonWriter<'_>, key: &'static str, count: u32) {
    if count != 0 {
        out.key(key).number(count);
    }
}

fn write_time(out: &mut JsonWriter<'_>, key: &'static str, nanos: u64) {
    if nanos != 0 {
        out.key(key).int(nanos);
    }
}
