//! Reads `model.proto`: the body of `PostSpans`.
//!
//! ```text
//! PostSpansRequest 1 batch      Batch 1 spans  2 process      Process 1 service_name  2 tags
//! Span     1 trace_id  2 span_id  3 operation_name  4 references  5 flags  6 start_time  7 duration
//!          8 tags  9 logs  10 process  11 process_id  12 warnings
//! KeyValue 1 key  2 v_type (string, bool, int64, float64, binary)  3 v_str  4 v_bool  5 v_int64
//!          6 v_float64  7 v_binary
//! Log      1 timestamp  2 fields      SpanRef 1 trace_id  2 span_id  3 ref_type
//! ```
//!
//! The types of values are numbered otherwise than in thrift. A span may bring a process of its own,
//! which beats the batch's. Only broken framing refuses the whole message.

use std::collections::HashMap;

use bytes::Bytes;
use span::{BatchBuilder, PackedWriter, SpanId, TraceId, UnixNanos, ValueRef};

use super::model::RefType;
use super::process::{SentProcess, SentTag};
use super::sent::{SentLog, SentReference, SentSpan};
use crate::budget::Budget;
use crate::decoded::Refusals;
use crate::proto_reader::{ProtoField, ProtoReader};
use crate::scopes::Scopes;
use crate::{DecodeError, Decoded};

/// Decodes a `jaeger.api_v2.PostSpansRequest`.
pub fn decode_proto(body: Bytes) -> Result<Decoded, DecodeError> {
    let mut walk = Walk {
        builder: BatchBuilder::over(body.clone())?,
        budget: Budget::new(),
        refusals: Refusals::default(),
        scopes: Scopes::default(),
        processes: HashMap::new(),
    };
    let mut request = ProtoReader::new(&body, "request");
    while let Some(field) = request.field()? {
        if field.number == 1 {
            walk.batch(field.message("batch")?)?;
        }
    }
    Ok(walk.refusals.decoded(walk.builder.finish()))
}

struct Walk<'a> {
    builder: BatchBuilder,
    budget: Budget,
    refusals: Refusals,
    scopes: Scopes,
    /// Resources by the bytes of the process that they were read from.
    processes: HashMap<&'a [u8], u32>,
}

impl<'a> Walk<'a> {
    fn batch(&mut self, batch: ProtoReader<'a>) -> Result<(), DecodeError> {
        // The process comes behind the spans: find it first.
        let mut process = None;
        let mut fields = batch;
        while let Some(field) = fields.field()? {
            if field.number == 2 {
                process = Some(field);
            }
        }
        let mut resource = None;
        let mut sent = SentSpan::default();
        let mut fields = batch;
        while let Some(field) = fields.field()? {
            if field.number != 1 {
                continue;
            }
            self.budget.span()?;
            sent.clear();
            let own_process = match self.span(field.message("span")?, &mut sent)? {
                Ok(own_process) => own_process,
                Err(why) => {
                    self.refusals.refuse(sent.name, why);
                    continue;
                }
            };
            let resource = match (own_process, resource) {
                (Some(own), _) => self.process(Some(own))?,
                (None, Some(resource)) => resource,
                (None, None) => *resource.insert(self.process(process)?),
            };
            let stored = sent.store(resource, &mut self.scopes, &mut self.builder, &mut self.budget)?;
            if let Err(why) = stored {
                self.refusals.refuse(sent.name, why);
            }
        }
        Ok(())
    }

    /// Returns the resource of a process; one for all that have the same bytes.
    fn process(&mut self, field: Option<ProtoField<'a>>) -> Result<u32, DecodeError> {
        let Some(field) = field else {
            return SentProcess::default().store(&mut self.builder, &mut self.budget);
        };
        let bytes = field.bytes("process")?;
        if let Some(resource) = self.processes.get(bytes) {
            return Ok(*resource);
        }
        let mut process = SentProcess::default();
        let mut fields = field.message("process")?;
        while let Some(field) = fields.field()? {
            match field.number {
                1 => process.service_name = field.bytes("process.service_name")?,
                2 => process.tags.push(self.tag(field.message("process.tags")?)?),
                _ => {}
            }
        }
        let resource = process.store(&mut self.builder, &mut self.budget)?;
        self.processes.insert(bytes, resource);
        Ok(resource)
    }

    /// Reads a span; returns the process that it brings, or why it cannot be stored.
    fn span(
        &mut self,
        mut fields: ProtoReader<'a>,
        sent: &mut SentSpan<'a>,
    ) -> Result<Result<Option<ProtoField<'a>>, &'static str>, DecodeError> {
        let (mut start, mut duration, mut process) = (0, 0, None);
        let mut warnings = PackedWriter::new();
        let (mut trace_id, mut span_id) = (Ok(TraceId::NONE), Ok(SpanId::NONE));
        while let Some(field) = fields.field()? {
            match field.number {
                1 => trace_id = id(field.bytes("span.trace_id")?).map(TraceId::from_bytes),
                2 => span_id = id(field.bytes("span.span_id")?).map(SpanId::from_bytes),
                3 => sent.name = field.bytes("span.operation_name")?,
                4 => self.reference(field.message("span.references")?, &mut sent.references)?,
                5 => sent.flags = field.varint("span.flags")? as u32,
                6 => start = nanos(field.message("span.start_time")?)?,
                7 => duration = nanos(field.message("span.duration")?)?,
                8 => sent.tags.push(self.tag(field.message("span.tags")?)?),
                9 => self.log(field.message("span.logs")?, sent)?,
                10 => process = Some(field),
                12 => warnings.item(ValueRef::Str(field.bytes("span.warnings")?)),
                _ => {}
            }
        }
        let (Ok(trace_id), Ok(span_id)) = (trace_id, span_id) else {
            return Ok(Err("an id has the wrong length"));
        };
        (sent.trace_id, sent.span_id) = (trace_id, span_id);
        sent.start = saturated(start);
        sent.end = saturated(start.saturating_add(duration));
        sent.warnings = warnings.finish();
        Ok(Ok(process))
    }

    fn reference(
        &mut self,
        mut fields: ProtoReader<'a>,
        references: &mut Vec<SentReference>,
    ) -> Result<(), DecodeError> {
        self.budget.link()?;
        let (mut trace_id, mut span_id, mut ref_type) = (&b""[..], &b""[..], 0);
        while let Some(field) = fields.field()? {
            match field.number {
                1 => trace_id = field.bytes("reference.trace_id")?,
                2 => span_id = field.bytes("reference.span_id")?,
                3 => ref_type = field.varint("reference.ref_type")?,
                _ => {}
            }
        }
        // A reference to nowhere does not cost the span.
        if let (Ok(trace_id), Ok(span_id)) = (id(trace_id), id(span_id)) {
            references.push(SentReference {
                ref_type: if ref_type == 0 { RefType::ChildOf } else { RefType::FollowsFrom },
                trace_id: TraceId::from_bytes(trace_id),
                span_id: SpanId::from_bytes(span_id),
            });
        }
        Ok(())
    }

    fn log(&mut self, mut fields: ProtoReader<'a>, sent: &mut SentSpan<'a>) -> Result<(), DecodeError> {
        self.budget.event()?;
        let (mut time, before) = (0, sent.fields.len());
        while let Some(field) = fields.field()? {
            match field.number {
                1 => time = nanos(field.message("log.timestamp")?)?,
                2 => sent.fields.push(self.tag(field.message("log.fields")?)?),
                _ => {}
            }
        }
        let field_count = sent.fields.len() - before;
        sent.logs.push(SentLog { time: saturated(time), field_count });
        Ok(())
    }

    fn tag(&mut self, mut fields: ProtoReader<'a>) -> Result<SentTag<'a>, DecodeError> {
        self.budget.attribute()?;
        let (mut key, mut v_type) = (&b""[..], 0);
        let (mut text, mut on, mut long, mut double, mut binary) = (&b""[..], false, 0, 0.0, &b""[..]);
        while let Some(field) = fields.field()? {
            match field.number {
                1 => key = field.bytes("tag.key")?,
                2 => v_type = field.varint("tag.v_type")?,
                3 => text = field.bytes("tag.v_str")?,
                4 => on = field.varint("tag.v_bool")? != 0,
                5 => long = field.varint("tag.v_int64")? as i64,
                6 => double = f64::from_bits(field.fixed64("tag.v_float64")?),
                7 => binary = field.bytes("tag.v_binary")?,
                _ => {}
            }
        }
        let value = match v_type {
            0 => ValueRef::Str(text),
            1 => ValueRef::Bool(on),
            2 => ValueRef::Int(long),
            3 => ValueRef::Double(double),
            4 => ValueRef::Bytes(binary),
            _ => ValueRef::Empty,
        };
        Ok((key, value))
    }
}

/// Takes an id of up to `N` bytes; shorter ones are padded with zeros on the left.
fn id<const N: usize>(bytes: &[u8]) -> Result<[u8; N], ()> {
    let mut id = [0; N];
    let at = N.checked_sub(bytes.len()).ok_or(())?;
    id.get_mut(at..).ok_or(())?.copy_from_slice(bytes);
    Ok(id)
}

/// Reads a `Timestamp` or `Duration` as nanoseconds.
fn nanos(mut fields: ProtoReader<'_>) -> Result<i128, DecodeError> {
    let (mut seconds, mut nanos) = (0, 0);
    while let Some(field) = fields.field()? {
        match field.number {
            1 => seconds = field.varint("time.seconds")? as i64,
            2 => nanos = field.varint("time.nanos")? as i32,
            _ => {}
        }
    }
    Ok(i128::from(seconds) * 1_000_000_000 + i128::from(nanos))
}

fn saturated(nanos: i128) -> UnixNanos {
    UnixNanos(nanos.clamp(0, i128::from(u64::MAX)) as u64)
}
