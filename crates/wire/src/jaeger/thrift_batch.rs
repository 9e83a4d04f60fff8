//! Reads `jaeger.thrift`: a batch over UDP or HTTP, in either dialect.
//!
//! ```text
//! Batch   1 process  2 spans  3 seqNo  4 stats
//! Process 1 serviceName  2 tags
//! Span    1 traceIdLow  2 traceIdHigh  3 spanId  4 parentSpanId  5 operationName  6 references
//!         7 flags  8 startTime us  9 duration us  10 tags  11 logs
//! Tag     1 key  2 vType (string, double, bool, long, binary)  3 vStr  4 vDouble  5 vBool  6 vLong  7 vBinary
//! Log     1 timestamp us  2 fields
//! SpanRef 1 refType  2 traceIdLow  3 traceIdHigh  4 spanId
//! ```
//!
//! What a client says about its own losses (`stats`) is skipped.

use bytes::Bytes;
use span::{BatchBuilder, SpanId, TraceId, UnixNanos, ValueRef};

use super::model::RefType;
use super::process::{SentProcess, SentTag};
use super::sent::{SentLog, SentReference, SentSpan};
use crate::budget::Budget;
use crate::decoded::Refusals;
use crate::scopes::Scopes;
use crate::thrift::{Dialect, Kind, ThriftReader};
use crate::{DecodeError, Decoded};

/// Decodes the body of `POST :14268/api/traces`: a bare `Batch`, binary as all clients send it. Compact,
/// and a whole message as it goes over UDP, are understood too: their first bytes tell them apart.
pub fn decode_batch_binary(body: Bytes) -> Result<Decoded, DecodeError> {
    let dialect = match body.first() {
        Some(0x80 | 0x82) => return super::decode_datagram(body),
        // Compact heads of the fields 1 to 4 of a batch; binary begins with a type, all below 0x10.
        Some(0x1c | 0x29 | 0x36 | 0x4c) => Dialect::Compact,
        _ => Dialect::Binary,
    };
    decode_batch(body.clone(), ThriftReader::new(&body, dialect))
}

/// Decodes the arguments of `emitBatch`: a struct whose field 1 is the batch.
pub(super) fn decode_arguments(body: Bytes, mut reader: ThriftReader<'_>) -> Result<Decoded, DecodeError> {
    let mut fields = reader.fields("arguments");
    while let Some(field) = fields.next(&mut reader)? {
        if (field.id, field.kind) == (1, Kind::Struct) {
            return decode_batch(body, reader);
        }
        reader.skip(field)?;
    }
    Err(reader.invalid("arguments", "no batch"))
}

/// Decodes a batch; `reader` stands in front of it, inside of `body`.
fn decode_batch(body: Bytes, mut reader: ThriftReader<'_>) -> Result<Decoded, DecodeError> {
    let mut walk = Walk {
        builder: BatchBuilder::over(body)?,
        budget: Budget::new(),
        refusals: Refusals::default(),
        scopes: Scopes::default(),
    };
    let mut resource = None;
    let mut spans_before_process = None;
    let mut fields = reader.fields("batch");
    while let Some(field) = fields.next(&mut reader)? {
        match (field.id, field.kind, resource) {
            (1, Kind::Struct, None) => resource = Some(walk.process(&mut reader)?),
            (2, Kind::List, Some(resource)) => walk.spans(&mut reader, resource)?,
            (2, Kind::List, None) => {
                spans_before_process = Some(reader);
                reader.skip(field)?;
            }
            _ => reader.skip(field)?,
        }
    }
    if let Some(mut reader) = spans_before_process {
        let resource = match resource {
            Some(resource) => resource,
            None => SentProcess::default().store(&mut walk.builder, &mut walk.budget)?,
        };
        walk.spans(&mut reader, resource)?;
    }
    Ok(walk.refusals.decoded(walk.builder.finish()))
}

struct Walk {
    builder: BatchBuilder,
    budget: Budget,
    refusals: Refusals,
    scopes: Scopes,
}

impl Walk {
    fn process(&mut self, reader: &mut ThriftReader<'_>) -> Result<u32, DecodeError> {
        let mut process = SentProcess::default();
        let mut fields = reader.fields("process");
        while let Some(field) = fields.next(reader)? {
            match (field.id, field.kind) {
                (1, Kind::Binary) => process.service_name = reader.bytes("process.serviceName")?,
                (2, Kind::List) => self.tags(reader, "process.tags", &mut process.tags)?,
                _ => reader.skip(field)?,
            }
        }
        process.store(&mut self.builder, &mut self.budget)
    }

    fn spans(&mut self, reader: &mut ThriftReader<'_>, resource: u32) -> Result<(), DecodeError> {
        let mut sent = SentSpan::default();
        for _ in 0..reader.structs("batch.spans")? {
            self.budget.span()?;
            sent.clear();
            self.span(reader, &mut sent)?;
            let stored = sent.store(resource, &mut self.scopes, &mut self.builder, &mut self.budget)?;
            if let Err(why) = stored {
                self.refusals.refuse(sent.name, why);
            }
        }
        Ok(())
    }

    fn span<'a>(
        &mut self,
        reader: &mut ThriftReader<'a>,
        sent: &mut SentSpan<'a>,
    ) -> Result<(), DecodeError> {
        let (mut low, mut high, mut start, mut duration) = (0, 0, 0, 0_i64);
        let mut fields = reader.fields("span");
        while let Some(field) = fields.next(reader)? {
            match (field.id, field.kind) {
                (1, Kind::I64) => low = reader.i64("span.traceIdLow")?,
                (2, Kind::I64) => high = reader.i64("span.traceIdHigh")?,
                (3, Kind::I64) => sent.span_id = SpanId::from_u64(reader.i64("span.spanId")? as u64),
                (4, Kind::I64) => {
                    sent.parent_span_id = SpanId::from_u64(reader.i64("span.parentSpanId")? as u64);
                }
                (5, Kind::Binary) => sent.name = reader.bytes("span.operationName")?,
                (6, Kind::List) => self.references(reader, &mut sent.references)?,
                (7, Kind::I32) => sent.flags = reader.i32("span.flags")? as u32,
                (8, Kind::I64) => start = reader.i64("span.startTime")?,
                (9, Kind::I64) => duration = reader.i64("span.duration")?,
                (10, Kind::List) => self.tags(reader, "span.tags", &mut sent.tags)?,
                (11, Kind::List) => self.logs(reader, sent)?,
                _ => reader.skip(field)?,
            }
        }
        sent.trace_id = TraceId::from_halves(high as u64, low as u64);
        sent.start = UnixNanos::from_micros(start);
        sent.end = UnixNanos::from_micros(start.saturating_add(duration));
        Ok(())
    }

    fn references(
        &mut self,
        reader: &mut ThriftReader<'_>,
        references: &mut Vec<SentReference>,
    ) -> Result<(), DecodeError> {
        for _ in 0..reader.structs("span.references")? {
            self.budget.link()?;
            let (mut ref_type, mut low, mut high, mut span_id) = (0, 0, 0, 0);
            let mut fields = reader.fields("reference");
            while let Some(field) = fields.next(reader)? {
                match (field.id, field.kind) {
                    (1, Kind::I32) => ref_type = reader.i32("reference.refType")?,
                    (2, Kind::I64) => low = reader.i64("reference.traceIdLow")?,
                    (3, Kind::I64) => high = reader.i64("reference.traceIdHigh")?,
                    (4, Kind::I64) => span_id = reader.i64("reference.spanId")?,
                    _ => reader.skip(field)?,
                }
            }
            references.push(SentReference {
                ref_type: if ref_type == 0 { RefType::ChildOf } else { RefType::FollowsFrom },
                trace_id: TraceId::from_halves(high as u64, low as u64),
                span_id: SpanId::from_u64(span_id as u64),
            });
        }
        Ok(())
    }

    fn logs<'a>(
        &mut self,
        reader: &mut ThriftReader<'a>,
        sent: &mut SentSpan<'a>,
    ) -> Result<(), DecodeError> {
        for _ in 0..reader.structs("span.logs")? {
            self.budget.event()?;
            let (mut time, before) = (0, sent.fields.len());
            let mut fields = reader.fields("log");
            while let Some(field) = fields.next(reader)? {
                match (field.id, field.kind) {
                    (1, Kind::I64) => time = reader.i64("log.timestamp")?,
                    (2, Kind::List) => self.tags(reader, "log.fields", &mut sent.fields)?,
                    _ => reader.skip(field)?,
                }
            }
            let field_count = sent.fields.len() - before;
            sent.logs.push(SentLog { time: UnixNanos::from_micros(time), field_count });
        }
        Ok(())
    }

    fn tags<'a>(
        &mut self,
        reader: &mut ThriftReader<'a>,
        name: &'static str,
        tags: &mut Vec<SentTag<'a>>,
    ) -> Result<(), DecodeError> {
        for _ in 0..reader.structs(name)? {
            self.budget.attribute()?;
            tags.push(tag(reader)?);
        }
        Ok(())
    }
}

/// Reads a tag. `vType` says which of the values counts; one of a type that is to come in later versions
/// gives whatever value there is.
fn tag<'a>(reader: &mut ThriftReader<'a>) -> Result<SentTag<'a>, DecodeError> {
    let (mut key, mut v_type) = (&b""[..], 0);
    let [mut text, mut double, mut on, mut long, mut binary] = [ValueRef::Empty; 5];
    let mut fields = reader.fields("tag");
    while let Some(field) = fields.next(reader)? {
        match (field.id, field.kind) {
            (1, Kind::Binary) => key = reader.bytes("tag.key")?,
            (2, Kind::I32) => v_type = reader.i32("tag.vType")?,
            (3, Kind::Binary) => text = ValueRef::Str(reader.bytes("tag.vStr")?),
            (4, Kind::Double) => double = ValueRef::Double(reader.double("tag.vDouble")?),
            (5, Kind::Bool) => on = ValueRef::Bool(reader.bool(field, "tag.vBool")?),
            (6, Kind::I64) => long = ValueRef::Int(reader.i64("tag.vLong")?),
            (7, Kind::Binary) => binary = ValueRef::Bytes(reader.bytes("tag.vBinary")?),
            _ => reader.skip(field)?,
        }
    }
    let or = |value, default| if value == ValueRef::Empty { default } else { value };
    let value = match v_type {
        0 => or(text, ValueRef::Str(b"")),
        1 => or(double, ValueRef::Double(0.0)),
        2 => or(on, ValueRef::Bool(false)),
        3 => or(long, ValueRef::Int(0)),
        4 => or(binary, ValueRef::Bytes(b"")),
        _ => [text, double, on, long, binary].into_iter().fold(ValueRef::Empty, or),
    };
    Ok((key, value))
}
