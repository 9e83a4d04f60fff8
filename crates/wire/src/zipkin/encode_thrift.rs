//! Writes Zipkin's v1 thrift, as clients of the first generation send it.

use std::net::IpAddr;

use span::{SpanBatch, SpanKind};

use super::model::{ZipkinEndpoint, ZipkinSpan};
use crate::thrift::{Dialect, Kind, ThriftWriter};

/// The types of binary annotations that are written.
const TYPE_BOOL: i32 = 0;
const TYPE_STRING: i32 = 6;

/// Encodes a batch as the bare list that `POST /api/v1/spans` takes.
pub fn encode_thrift(batch: &SpanBatch) -> Vec<u8> {
    let mut writer = ThriftWriter::new(Dialect::Binary);
    write_list(&mut writer, batch);
    writer.finish()
}

/// Encodes a batch as one call of `emitZipkinBatch` in compact thrift, whatever its size.
pub fn encode_datagram_compact(batch: &SpanBatch) -> Vec<u8> {
    let mut writer = ThriftWriter::message(Dialect::Compact, "emitZipkinBatch", 0);
    writer.structure(|writer| {
        writer.field(1, Kind::List);
        write_list(writer, batch);
    });
    writer.finish()
}

fn write_list(writer: &mut ThriftWriter, batch: &SpanBatch) {
    writer.structs(batch.len());
    batch.spans().for_each(|span| write_span(writer, &ZipkinSpan::of(span)));
}

fn write_span(writer: &mut ThriftWriter, span: &ZipkinSpan<'_>) {
    let (begins, ends, other_end) = match span.kind {
        SpanKind::Client => (Some("cs"), Some("cr"), "sa"),
        SpanKind::Server => (Some("sr"), Some("ss"), "ca"),
        SpanKind::Producer => (Some("ms"), None, "ma"),
        SpanKind::Consumer => (Some("mr"), None, "ma"),
        SpanKind::Unspecified | SpanKind::Internal => (None, None, "sa"),
    };
    let end = span.timestamp.saturating_add(span.duration);
    let core = begins.map(|word| (span.timestamp, word)).into_iter().chain(ends.map(|word| (end, word)));
    let plain = span.annotations.iter().map(|(time, text)| (*time, &**text));
    let annotations: Vec<(u64, &str)> = core.chain(plain).collect();
    writer.structure(|writer| {
        writer.i64_field(1, span.trace_id.low() as i64);
        writer.bytes_field(3, span.name.as_bytes());
        writer.i64_field(4, span.id.to_u64() as i64);
        if !span.parent_id.is_none() {
            writer.i64_field(5, span.parent_id.to_u64() as i64);
        }
        writer.field(6, Kind::List);
        writer.structs(annotations.len());
        for (time, text) in annotations {
            writer.structure(|writer| {
                writer.i64_field(1, time as i64);
                writer.bytes_field(2, text.as_bytes());
                write_endpoint(writer, 3, &span.local_endpoint);
            });
        }
        writer.field(8, Kind::List);
        writer.structs(span.tags.len() + usize::from(!span.remote_endpoint.is_empty()));
        for (key, value) in &span.tags {
            write_tag(writer, key, value.as_bytes(), TYPE_STRING, &span.local_endpoint);
        }
        if !span.remote_endpoint.is_empty() {
            write_tag(writer, other_end, &[1], TYPE_BOOL, &span.remote_endpoint);
        }
        writer.bool_field(9, span.debug);
        writer.i64_field(10, span.timestamp as i64);
        writer.i64_field(11, span.duration as i64);
        writer.i64_field(12, span.trace_id.high() as i64);
    });
}

fn write_tag(writer: &mut ThriftWriter, key: &str, value: &[u8], kind: i32, host: &ZipkinEndpoint<'_>) {
    writer.structure(|writer| {
        writer.bytes_field(1, key.as_bytes());
        writer.bytes_field(2, value);
        writer.i32_field(3, kind);
        write_endpoint(writer, 4, host);
    });
}

fn write_endpoint(writer: &mut ThriftWriter, id: i16, endpoint: &ZipkinEndpoint<'_>) {
    if endpoint.is_empty() {
        return;
    }
    writer.field(id, Kind::Struct);
    writer.structure(|writer| {
        if let Some(IpAddr::V4(address)) = endpoint.address {
            writer.i32_field(1, i32::from_be_bytes(address.octets()));
        }
        writer.i16_field(2, endpoint.port as i16);
        writer.bytes_field(3, endpoint.service_name.as_bytes());
        if let Some(IpAddr::V6(address)) = endpoint.address {
            writer.bytes_field(4, &address.octets());
        }
    });
}
