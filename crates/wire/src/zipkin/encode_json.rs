//! Writes Zipkin's v2 JSON.

use span::SpanBatch;

use super::model::{ZipkinEndpoint, ZipkinSpan};
use crate::json_writer::JsonWriter;

/// Encodes a batch as the array of spans that `POST /api/v2/spans` takes.
pub fn encode_json_v2(batch: &SpanBatch) -> Vec<u8> {
    let mut out = vec![b'['];
    for span in batch.spans() {
        if out.len() != 1 {
            out.push(b',');
        }
        write_json_v2(&ZipkinSpan::of(span), &mut out);
    }
    out.push(b']');
    out
}

/// Appends one span as a JSON object.
pub fn write_json_v2(span: &ZipkinSpan<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"traceId\":");
    text(out, &span.trace_id.to_string());
    if !span.parent_id.is_none() {
        out.extend_from_slice(b",\"parentId\":");
        text(out, &span.parent_id.to_string());
    }
    out.extend_from_slice(b",\"id\":");
    text(out, &span.id.to_string());
    if !span.kind_word().is_empty() {
        out.extend_from_slice(b",\"kind\":");
        text(out, span.kind_word());
    }
    out.extend_from_slice(b",\"name\":");
    text(out, &span.name);
    for (key, number) in [("timestamp", span.timestamp), ("duration", span.duration)] {
        if number != 0 {
            out.extend_from_slice(format!(",\"{key}\":{number}").as_bytes());
        }
    }
    write_endpoint(out, b",\"localEndpoint\":{", &span.local_endpoint);
    write_endpoint(out, b",\"remoteEndpoint\":{", &span.remote_endpoint);
    if !span.annotations.is_empty() {
        out.extend_from_slice(b",\"annotations\":[");
        each(out, &span.annotations, |out, (time, value)| {
            out.extend_from_slice(format!("{{\"timestamp\":{time},\"value\":").as_bytes());
            text(out, value);
            out.push(b'}');
        });
        out.push(b']');
    }
    if !span.tags.is_empty() {
        out.extend_from_slice(b",\"tags\":{");
        each(out, &span.tags, |out, (key, value)| {
            text(out, key);
            out.push(b':');
            text(out, value);
        });
        out.push(b'}');
    }
    if span.debug {
        out.extend_from_slice(b",\"debug\":true");
    }
    out.push(b'}');
}

fn write_endpoint(out: &mut Vec<u8>, head: &[u8], endpoint: &ZipkinEndpoint<'_>) {
    if endpoint.is_empty() {
        return;
    }
    out.extend_from_slice(head);
    let from = out.len();
    if !endpoint.service_name.is_empty() {
        out.extend_from_slice(b"\"serviceName\":");
        text(out, &endpoint.service_name);
    }
    if let Some(address) = endpoint.address {
        let key = if address.is_ipv4() { "ipv4" } else { "ipv6" };
        separate(out, from);
        out.extend_from_slice(format!("\"{key}\":\"{address}\"").as_bytes());
    }
    if endpoint.port != 0 {
        separate(out, from);
        out.extend_from_slice(format!("\"port\":{}", endpoint.port).as_bytes());
    }
    out.push(b'}');
}

fn separate(out: &mut Vec<u8>, from: usize) {
    if out.len() != from {
        out.push(b',');
    }
}

fn each<T>(out: &mut Vec<u8>, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    for (place, item) in items.iter().enumerate() {
        if place != 0 {
            out.push(b',');
        }
        write(out, item);
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    JsonWriter::new(out).text(text.as_bytes());
}
