//! Writes `jaeger.thrift`, as clients send it.
//!
//! A thrift batch has one process, so spans of several resources make several batches.

use span::{SpanBatch, SpanRef};

use super::model::{
    JaegerProcess, JaegerReference, JaegerSpan, JaegerTag, JaegerValue, Processes, RefType, TagOrder,
};
use crate::thrift::{Dialect, Kind, ThriftWriter};

/// What the head of a list takes at most.
const LIST_HEAD_BYTES_MAX: usize = 6;

/// What stands behind the spans: the ends of the batch and of the arguments.
const TAIL_BYTES: usize = 2;

/// Encodes calls of `emitBatch` in compact thrift, each of at most `bytes_max` bytes. A span that does
/// not fit goes alone: who sends it sees its length.
pub fn encode_datagrams_compact(batch: &SpanBatch, bytes_max: usize) -> Vec<Vec<u8>> {
    datagrams(batch, bytes_max, Dialect::Compact)
}

/// Encodes calls of `emitBatch` in binary thrift, as [`encode_datagrams_compact`] does in compact.
pub fn encode_datagrams_binary(batch: &SpanBatch, bytes_max: usize) -> Vec<Vec<u8>> {
    datagrams(batch, bytes_max, Dialect::Binary)
}

/// Encodes bodies for `POST /api/traces`: one for each process.
pub fn encode_batch_binary(batch: &SpanBatch) -> Vec<Vec<u8>> {
    let groups = groups(batch, Dialect::Binary);
    let bodies = groups.iter().map(|group| {
        let mut writer = ThriftWriter::new(Dialect::Binary);
        write_batch(&mut writer, &group.process, &group.spans);
        writer.finish()
    });
    bodies.collect()
}

/// The spans of one process, encoded.
struct Group {
    process: Vec<u8>,
    spans: Vec<Vec<u8>>,
}

fn groups(batch: &SpanBatch, dialect: Dialect) -> Vec<Group> {
    let mut processes = Processes::new(TagOrder::AsSent);
    let mut groups: Vec<Group> = Vec::new();
    for span in batch.spans() {
        let place = processes.place(span.resource());
        if groups.len() <= place {
            groups.push(Group { process: Vec::new(), spans: Vec::new() });
        }
        if let Some(group) = groups.get_mut(place) {
            let mut writer = ThriftWriter::new(dialect);
            write_span(&mut writer, span);
            group.spans.push(writer.finish());
        }
    }
    for (group, process) in groups.iter_mut().zip(processes.iter()) {
        let mut writer = ThriftWriter::new(dialect);
        write_process(&mut writer, process);
        group.process = writer.finish();
    }
    groups
}

fn datagrams(batch: &SpanBatch, bytes_max: usize, dialect: Dialect) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    for group in groups(batch, dialect) {
        let around = datagram(dialect, &group.process, &[]).len() + LIST_HEAD_BYTES_MAX + TAIL_BYTES;
        let mut rest = group.spans.as_slice();
        while !rest.is_empty() {
            let mut bytes = around;
            let fits = rest.iter().take_while(|span| {
                bytes += span.len();
                bytes <= bytes_max
            });
            let (now, later) = rest.split_at(fits.count().max(1));
            datagrams.push(datagram(dialect, &group.process, now));
            rest = later;
        }
    }
    datagrams
}

fn datagram(dialect: Dialect, process: &[u8], spans: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = ThriftWriter::message(dialect, "emitBatch", 0);
    writer.structure(|writer| {
        writer.field(1, Kind::Struct);
        write_batch(writer, process, spans);
    });
    writer.finish()
}

fn write_batch(writer: &mut ThriftWriter, process: &[u8], spans: &[Vec<u8>]) {
    writer.structure(|writer| {
        writer.field(1, Kind::Struct);
        writer.raw(process);
        writer.field(2, Kind::List);
        writer.structs(spans.len());
        spans.iter().for_each(|span| writer.raw(span));
    });
}

fn write_process(writer: &mut ThriftWriter, process: &JaegerProcess<'_>) {
    writer.structure(|writer| {
        writer.bytes_field(1, process.service_name.as_bytes());
        write_tags(writer, 2, &process.tags);
    });
}

fn write_span(writer: &mut ThriftWriter, span: SpanRef<'_>) {
    let shown = JaegerSpan::of(span, TagOrder::AsSent);
    let micros = |nanos: u64| (nanos / 1_000) as i64;
    let parent = JaegerReference {
        ref_type: RefType::ChildOf,
        trace_id: span.trace_id(),
        span_id: span.parent_span_id(),
    };
    // The parent has a field of its own; only if it is not waited for, a reference must say so.
    let references: Vec<_> = shown.references.iter().filter(|reference| **reference != parent).collect();
    writer.structure(|writer| {
        writer.i64_field(1, span.trace_id().low() as i64);
        writer.i64_field(2, span.trace_id().high() as i64);
        writer.i64_field(3, span.span_id().to_u64() as i64);
        writer.i64_field(4, span.parent_span_id().to_u64() as i64);
        writer.bytes_field(5, shown.operation_name.as_bytes());
        if !references.is_empty() {
            writer.field(6, Kind::List);
            writer.structs(references.len());
            references.iter().for_each(|reference| write_reference(writer, reference));
        }
        writer.i32_field(7, shown.flags as i32);
        writer.i64_field(8, micros(span.start().0));
        writer.i64_field(9, micros(span.end().0) - micros(span.start().0));
        write_tags(writer, 10, &shown.tags);
        if !shown.logs.is_empty() {
            writer.field(11, Kind::List);
            writer.structs(shown.logs.len());
            for log in &shown.logs {
                writer.structure(|writer| {
                    writer.i64_field(1, micros(log.time.0));
                    write_tags(writer, 2, &log.fields);
                });
            }
        }
    });
}

fn write_reference(writer: &mut ThriftWriter, reference: &JaegerReference) {
    writer.structure(|writer| {
        writer.i32_field(1, reference.ref_type as i32);
        writer.i64_field(2, reference.trace_id.low() as i64);
        writer.i64_field(3, reference.trace_id.high() as i64);
        writer.i64_field(4, reference.span_id.to_u64() as i64);
    });
}

fn write_tags(writer: &mut ThriftWriter, id: i16, tags: &[JaegerTag<'_>]) {
    writer.field(id, Kind::List);
    writer.structs(tags.len());
    for tag in tags {
        writer.structure(|writer| {
            writer.bytes_field(1, tag.key.as_bytes());
            match &tag.value {
                JaegerValue::String(text) => {
                    writer.i32_field(2, 0);
                    writer.bytes_field(3, text.as_bytes());
                }
                JaegerValue::Float64(number) => {
                    writer.i32_field(2, 1);
                    writer.double_field(4, *number);
                }
                JaegerValue::Bool(on) => {
                    writer.i32_field(2, 2);
                    writer.bool_field(5, *on);
                }
                JaegerValue::Int64(number) => {
                    writer.i32_field(2, 3);
                    writer.i64_field(6, *number);
                }
                JaegerValue::Binary(bytes) => {
                    writer.i32_field(2, 4);
                    writer.bytes_field(7, bytes);
                }
            }
        });
    }
}
