//! Writes Zipkin's v2 protobuf.

use std::net::IpAddr;

use span::{SpanBatch, SpanKind};

use super::model::{ZipkinEndpoint, ZipkinSpan};
use crate::proto_writer::ProtoWriter;

/// Encodes a batch as the `ListOfSpans` that `POST /api/v2/spans` takes.
pub fn encode_proto(batch: &SpanBatch) -> Vec<u8> {
    let mut writer = ProtoWriter::new();
    for span in batch.spans() {
        let shown = ZipkinSpan::of(span);
        writer.message(1, |writer| write_span(writer, &shown));
    }
    writer.finish()
}

fn write_span(writer: &mut ProtoWriter, span: &ZipkinSpan<'_>) {
    writer.bytes(1, &span.trace_id.to_bytes());
    if !span.parent_id.is_none() {
        writer.bytes(2, &span.parent_id.to_bytes());
    }
    writer.bytes(3, &span.id.to_bytes());
    let kind = match span.kind {
        SpanKind::Unspecified | SpanKind::Internal => 0,
        SpanKind::Client => 1,
        SpanKind::Server => 2,
        SpanKind::Producer => 3,
        SpanKind::Consumer => 4,
    };
    writer.varint_set(4, kind);
    writer.bytes_set(5, span.name.as_bytes());
    writer.fixed64_set(6, span.timestamp);
    writer.varint_set(7, span.duration);
    write_endpoint(writer, 8, &span.local_endpoint);
    write_endpoint(writer, 9, &span.remote_endpoint);
    for (time, value) in &span.annotations {
        writer.message(10, |writer| {
            writer.fixed64_set(1, *time);
            writer.bytes_set(2, value.as_bytes());
        });
    }
    for (key, value) in &span.tags {
        writer.message(11, |writer| {
            writer.bytes(1, key.as_bytes());
            writer.bytes(2, value.as_bytes());
        });
    }
    writer.varint_set(12, u64::from(span.debug));
}

fn write_endpoint(writer: &mut ProtoWriter, number: u32, endpoint: &ZipkinEndpoint<'_>) {
    if endpoint.is_empty() {
        return;
    }
    writer.message(number, |writer| {
        writer.bytes_set(1, endpoint.service_name.as_bytes());
        match endpoint.address {
            Some(IpAddr::V4(address)) => writer.bytes(2, &address.octets()),
            Some(IpAddr::V6(address)) => writer.bytes(3, &address.octets()),
            None => {}
        }
        writer.varint_set(4, u64::from(endpoint.port));
    });
}
