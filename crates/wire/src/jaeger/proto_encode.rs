//! Writes `model.proto`: what collectors are sent, and what api_v2's queries answer.

use span::SpanBatch;

use super::model::{JaegerProcess, JaegerSpan, JaegerTag, JaegerValue, Processes, TagOrder};
use crate::proto_writer::ProtoWriter;

/// Encodes a `PostSpansRequest`. The first process is the batch's; spans of others bring theirs.
pub fn encode_proto(batch: &SpanBatch) -> Vec<u8> {
    let mut processes = Processes::new(TagOrder::AsSent);
    let places: Vec<usize> = batch.spans().map(|span| processes.place(span.resource())).collect();
    let mut writer = ProtoWriter::new();
    writer.message(1, |writer| {
        for (span, place) in batch.spans().zip(&places) {
            let shown = JaegerSpan::of(span, TagOrder::AsSent);
            let process = processes.iter().nth(*place).filter(|_| *place != 0);
            writer.message(1, |writer| write_span(writer, &shown, process));
        }
        if let Some(process) = processes.iter().next() {
            writer.message(2, |writer| write_process(writer, process));
        }
    });
    writer.finish()
}

/// Encodes a `Span` that brings its process, as every answer of api_v2 has it.
pub fn proto_span(span: &JaegerSpan<'_>, process: &JaegerProcess<'_>) -> Vec<u8> {
    let mut writer = ProtoWriter::new();
    write_span(&mut writer, span, Some(process));
    writer.finish()
}

/// Encodes a `SpansResponseChunk`: the streamed answers of api_v2's `GetTrace` and `FindTraces`.
pub fn proto_chunk<'a>(
    spans: impl IntoIterator<Item = (&'a JaegerSpan<'a>, &'a JaegerProcess<'a>)>,
) -> Vec<u8> {
    let mut writer = ProtoWriter::new();
    for (span, process) in spans {
        writer.message(1, |writer| write_span(writer, span, Some(process)));
    }
    writer.finish()
}

fn write_span(writer: &mut ProtoWriter, span: &JaegerSpan<'_>, process: Option<&JaegerProcess<'_>>) {
    writer.bytes(1, &span.trace_id.to_bytes());
    writer.bytes(2, &span.span_id.to_bytes());
    writer.bytes_set(3, span.operation_name.as_bytes());
    for reference in &span.references {
        writer.message(4, |writer| {
            writer.bytes(1, &reference.trace_id.to_bytes());
            writer.bytes(2, &reference.span_id.to_bytes());
            writer.varint_set(3, reference.ref_type as u64);
        });
    }
    writer.varint_set(5, u64::from(span.flags));
    writer.message(6, |writer| write_nanos(writer, span.start.0));
    writer.message(7, |writer| write_nanos(writer, span.duration.0));
    write_tags(writer, 8, &span.tags);
    for log in &span.logs {
        writer.message(9, |writer| {
            writer.message(1, |writer| write_nanos(writer, log.time.0));
            write_tags(writer, 2, &log.fields);
        });
    }
    if let Some(process) = process {
        writer.message(10, |writer| write_process(writer, process));
    }
    for warning in &span.warnings {
        writer.bytes(12, warning.as_bytes());
    }
}

fn write_process(writer: &mut ProtoWriter, process: &JaegerProcess<'_>) {
    writer.bytes_set(1, process.service_name.as_bytes());
    write_tags(writer, 2, &process.tags);
}

fn write_tags(writer: &mut ProtoWriter, number: u32, tags: &[JaegerTag<'_>]) {
    for tag in tags {
        writer.message(number, |writer| {
            writer.bytes_set(1, tag.key.as_bytes());
            match &tag.value {
                JaegerValue::String(text) => writer.bytes_set(3, text.as_bytes()),
                JaegerValue::Bool(on) => {
                    writer.varint(2, 1);
                    writer.varint_set(4, u64::from(*on));
                }
                JaegerValue::Int64(number) => {
                    writer.varint(2, 2);
                    writer.varint_set(5, *number as u64);
                }
                JaegerValue::Float64(number) => {
                    writer.varint(2, 3);
                    writer.fixed64_set(6, number.to_bits());
                }
                JaegerValue::Binary(bytes) => {
                    writer.varint(2, 4);
                    writer.bytes_set(7, bytes);
                }
            }
        });
    }
}

/// Writes a `Timestamp` or a `Duration`.
fn write_nanos(writer: &mut ProtoWriter, nanos: u64) {
    writer.varint_set(1, nanos / 1_000_000_000);
    writer.varint_set(2, nanos % 1_000_000_000);
}
