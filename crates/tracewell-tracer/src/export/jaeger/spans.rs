//! Spans of OTLP as those of Jaeger's own model.
//!
//! What the model has no place for becomes tags, by the names that OpenTelemetry's specification gives
//! them: kind, status, scope, trace state. An event is a log whose field `event` is its name; a link is a
//! reference. Times are microseconds there, and attributes of links have no place at all.

use super::super::span_view::{self, AnyValue, Attribute, EventView, SpanView};
use super::thrift::{Protocol, Writer};

/// `SpanRefType::FOLLOWS_FROM`.
const FOLLOWS_FROM: i32 = 1;

/// What a tag holds.
enum Tag<'a> {
    Text(&'a [u8]),
    Value(AnyValue<'a>),
}

/// Writes the service as a `Process`, without its field's head.
pub(super) fn process(writer: &mut Writer, resource: &[u8]) {
    let (service, rest) = span_view::resource(resource);
    writer.text_field(1, service);
    let tags: Vec<(&[u8], Tag<'_>)> = rest.iter().map(own).collect();
    if !tags.is_empty() {
        writer.structs_field(2, &tags, tag);
    }
}

/// Writes a span as a struct of its own, to be put into lists.
pub(super) fn span(protocol: Protocol, scope: &[u8], span: &[u8]) -> Vec<u8> {
    let view = SpanView::read(span);
    let mut writer = Writer::new(protocol);
    writer.structure(|writer| write(writer, scope, &view));
    writer.out
}

fn write(writer: &mut Writer, scope: &[u8], span: &SpanView<'_>) {
    let (high, low) = halves(span.trace_id);
    writer.i64_field(1, low);
    writer.i64_field(2, high);
    writer.i64_field(3, i64::from_be_bytes(span.span_id));
    writer.i64_field(4, i64::from_be_bytes(span.parent_id));
    writer.text_field(5, span.name);
    if !span.links.is_empty() {
        writer.structs_field(6, &span.links, |writer, link| {
            let (high, low) = halves(link.trace_id);
            writer.i32_field(1, FOLLOWS_FROM);
            writer.i64_field(2, low);
            writer.i64_field(3, high);
            writer.i64_field(4, i64::from_be_bytes(link.span_id));
        });
    }
    // Whatever is sent was sampled; the other bits of Jaeger mean something else.
    writer.i32_field(7, (span.flags & 1) as i32);
    writer.i64_field(8, micros(span.start_unix_ns));
    writer.i64_field(9, micros(span.duration_ns()));
    let tags = tags(scope, span);
    if !tags.is_empty() {
        writer.structs_field(10, &tags, tag);
    }
    if !span.events.is_empty() {
        writer.structs_field(11, &span.events, log);
    }
}

fn tags<'a>(scope: &'a [u8], span: &'a SpanView<'_>) -> Vec<(&'a [u8], Tag<'a>)> {
    let mut tags: Vec<(&[u8], Tag<'_>)> = span.attributes.iter().map(own).collect();
    let mut text = |key: &'static str, text: &'a [u8]| {
        if !text.is_empty() {
            tags.push((key.as_bytes(), Tag::Text(text)));
        }
    };
    let (name, version) = span_view::scope(scope);
    text("span.kind", span.kind_word().unwrap_or_default().as_bytes());
    text("otel.scope.name", name);
    text("otel.scope.version", version);
    text("w3c.tracestate", span.trace_state);
    text("otel.status_code", span.status_word().unwrap_or_default().as_bytes());
    text("otel.status_description", span.status_message);
    if span.is_error() && !span.attributes.iter().any(|attribute| attribute.key == b"error") {
        tags.push((b"error", Tag::Value(AnyValue::Bool(true))));
    }
    let dropped = span.dropped_counts();
    tags.extend(dropped.map(|(key, count)| (key.as_bytes(), Tag::Value(AnyValue::Int(count)))));
    tags
}

fn log(writer: &mut Writer, event: &EventView<'_>) {
    writer.i64_field(1, micros(event.unix_ns));
    let mut fields: Vec<(&[u8], Tag<'_>)> = vec![(b"event", Tag::Text(event.name))];
    fields.extend(event.attributes.iter().map(own));
    writer.structs_field(2, &fields, tag);
}

fn own<'a>(attribute: &Attribute<'a>) -> (&'a [u8], Tag<'a>) {
    (attribute.key, Tag::Value(attribute.value))
}

fn tag(writer: &mut Writer, (key, held): &(&[u8], Tag<'_>)) {
    // TagType: text 0, double 1, bool 2, long 3, binary 4.
    writer.text_field(1, key);
    match held {
        Tag::Text(text) | Tag::Value(AnyValue::Str(text)) => {
            writer.i32_field(2, 0);
            writer.text_field(3, text);
        }
        Tag::Value(AnyValue::Double(number)) => {
            writer.i32_field(2, 1);
            writer.double_field(4, *number);
        }
        Tag::Value(AnyValue::Bool(truth)) => {
            writer.i32_field(2, 2);
            writer.bool_field(5, *truth);
        }
        Tag::Value(AnyValue::Int(number)) => {
            writer.i32_field(2, 3);
            writer.i64_field(6, *number);
        }
        Tag::Value(AnyValue::Bytes(bytes)) => {
            writer.i32_field(2, 4);
            writer.text_field(7, bytes);
        }
        Tag::Value(AnyValue::Empty) => {
            writer.i32_field(2, 0);
            writer.text_field(3, b"");
        }
        Tag::Value(nested) => {
            let mut json = String::new();
            nested.json(&mut json);
            writer.i32_field(2, 0);
            writer.text_field(3, json.as_bytes());
        }
    }
}

fn halves(id: [u8; 16]) -> (i64, i64) {
    let both = u128::from_be_bytes(id);
    (((both >> 64) as u64).cast_signed(), (both as u64).cast_signed())
}

fn micros(ns: u64) -> i64 {
    (ns / 1000).cast_signed()
}
