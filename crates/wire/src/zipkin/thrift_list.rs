//! Reads Zipkin's v1 thrift.
//!
//! ```text
//! Span             1 trace_id  3 name  4 id  5 parent_id  6 annotations  8 binary_annotations  9 debug
//!                  10 timestamp us  11 duration us  12 trace_id_high
//! Annotation       1 timestamp us  2 value  3 host
//! BinaryAnnotation 1 key  2 value  3 annotation_type (bool, bytes, i16, i32, i64, double, string)  4 host
//! Endpoint         1 ipv4 i32  2 port i16  3 service_name  4 ipv6
//! ```
//!
//! Values of binary annotations keep their types; one that is not as long as its type stays bytes.

use std::borrow::Cow;

use bytes::Bytes;
use span::{BatchBuilder, SpanId, TraceId, ValueRef};

use super::Debug;
use super::endpoint::Endpoint;
use super::sent::{SentAnnotation, SentSpan, SentValue, Store};
use super::v1::V1;
use crate::budget::Budget;
use crate::thrift::{Dialect, Kind, ThriftReader};
use crate::{DecodeError, Decoded};

/// Decodes `POST /api/v1/spans` as thrift: a bare list of spans in `TBinaryProtocol`.
pub fn decode_thrift(body: Bytes, debug: Debug) -> Result<Decoded, DecodeError> {
    decode_list(body.clone(), ThriftReader::new(&body, Dialect::Binary), debug)
}

/// Decodes the arguments of `emitZipkinBatch`: a struct whose field 1 is the list.
pub(crate) fn decode_arguments(body: Bytes, mut reader: ThriftReader<'_>) -> Result<Decoded, DecodeError> {
    let mut fields = reader.fields("arguments");
    while let Some(field) = fields.next(&mut reader)? {
        if (field.id, field.kind) == (1, Kind::List) {
            return decode_list(body, reader, Debug::AsSent);
        }
        reader.skip(field)?;
    }
    Err(reader.invalid("arguments", "no spans"))
}

fn decode_list(body: Bytes, mut reader: ThriftReader<'_>, debug: Debug) -> Result<Decoded, DecodeError> {
    let mut store = Store::new(BatchBuilder::over(body)?, debug);
    let mut sent = SentSpan::default();
    for _ in 0..reader.structs("spans")? {
        store.budget.span()?;
        sent.clear();
        read_span(&mut reader, &mut sent, &mut store.budget)?;
        store.span(&sent)?;
    }
    Ok(store.refusals.decoded(store.builder.finish()))
}

fn read_span<'a>(
    reader: &mut ThriftReader<'a>,
    sent: &mut SentSpan<'a>,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let mut v1 = V1::default();
    let (mut low, mut high) = (0, 0);
    let mut fields = reader.fields("span");
    while let Some(field) = fields.next(reader)? {
        match (field.id, field.kind) {
            (1, Kind::I64) => low = reader.i64("span.trace_id")?,
            (3, Kind::Binary) => sent.name = Cow::Borrowed(reader.bytes("span.name")?),
            (4, Kind::I64) => sent.span_id = SpanId::from_u64(reader.i64("span.id")? as u64),
            (5, Kind::I64) => sent.parent_id = SpanId::from_u64(reader.i64("span.parent_id")? as u64),
            (6, Kind::List) => {
                for _ in 0..reader.structs("span.annotations")? {
                    budget.event()?;
                    read_annotation(reader, sent, &mut v1)?;
                }
            }
            (8, Kind::List) => {
                for _ in 0..reader.structs("span.binary_annotations")? {
                    budget.attribute()?;
                    read_tag(reader, sent, &mut v1)?;
                }
            }
            (9, Kind::Bool) => sent.debug = reader.bool(field, "span.debug")?,
            (10, Kind::I64) => sent.start = reader.i64("span.timestamp")?,
            (11, Kind::I64) => sent.duration = reader.i64("span.duration")?,
            (12, Kind::I64) => high = reader.i64("span.trace_id_high")?,
            _ => reader.skip(field)?,
        }
    }
    sent.trace_id = TraceId::from_halves(high as u64, low as u64);
    v1.finish(sent);
    Ok(())
}

fn read_annotation<'a>(
    reader: &mut ThriftReader<'a>,
    sent: &mut SentSpan<'a>,
    v1: &mut V1<'a>,
) -> Result<(), DecodeError> {
    let (mut annotation, mut host) =
        (SentAnnotation { time: 0, text: Cow::Borrowed(b"") }, Endpoint::default());
    let mut fields = reader.fields("annotation");
    while let Some(field) = fields.next(reader)? {
        match (field.id, field.kind) {
            (1, Kind::I64) => annotation.time = reader.i64("annotation.timestamp")?,
            (2, Kind::Binary) => annotation.text = Cow::Borrowed(reader.bytes("annotation.value")?),
            (3, Kind::Struct) => host = read_endpoint(reader, sent)?,
            _ => reader.skip(field)?,
        }
    }
    v1.annotation(annotation, host, sent);
    Ok(())
}

fn read_tag<'a>(
    reader: &mut ThriftReader<'a>,
    sent: &mut SentSpan<'a>,
    v1: &mut V1<'a>,
) -> Result<(), DecodeError> {
    let (mut key, mut value, mut kind, mut host) = (&b""[..], &b""[..], TYPE_STRING, Endpoint::default());
    let mut fields = reader.fields("binary annotation");
    while let Some(field) = fields.next(reader)? {
        match (field.id, field.kind) {
            (1, Kind::Binary) => key = reader.bytes("binary annotation.key")?,
            (2, Kind::Binary) => value = reader.bytes("binary annotation.value")?,
            (3, Kind::I32) => kind = reader.i32("binary annotation.type")?,
            (4, Kind::Struct) => host = read_endpoint(reader, sent)?,
            _ => reader.skip(field)?,
        }
    }
    v1.tag(Cow::Borrowed(key), typed(kind, value), host, sent);
    Ok(())
}

const TYPE_STRING: i32 = 6;

fn typed(kind: i32, value: &[u8]) -> SentValue<'_> {
    let typed = match (kind, value) {
        (TYPE_STRING, text) => return SentValue::Text(Cow::Borrowed(text)),
        (0, [on]) => Some(ValueRef::Bool(*on != 0)),
        (2, value) => value.try_into().ok().map(|bytes| ValueRef::Int(i64::from(i16::from_be_bytes(bytes)))),
        (3, value) => value.try_into().ok().map(|bytes| ValueRef::Int(i64::from(i32::from_be_bytes(bytes)))),
        (4, value) => value.try_into().ok().map(|bytes| ValueRef::Int(i64::from_be_bytes(bytes))),
        (5, value) => value.try_into().ok().map(|bytes| ValueRef::Double(f64::from_be_bytes(bytes))),
        _ => None,
    };
    SentValue::Plain(typed.unwrap_or(ValueRef::Bytes(value)))
}

fn read_endpoint<'a>(
    reader: &mut ThriftReader<'a>,
    sent: &mut SentSpan<'a>,
) -> Result<Endpoint<'a>, DecodeError> {
    let mut endpoint = Endpoint::default();
    let mut fields = reader.fields("endpoint");
    while let Some(field) = fields.next(reader)? {
        match (field.id, field.kind) {
            (1, Kind::I32) => {
                let address = reader.i32("endpoint.ipv4")?.to_be_bytes();
                // Zero is how clients of this generation say that they do not know.
                if address != [0; 4] {
                    sent.expect(endpoint.set_bytes(&address));
                }
            }
            (2, Kind::I16) => endpoint.port = reader.i16("endpoint.port")? as u16,
            (3, Kind::Binary) => {
                endpoint.service_name = Cow::Borrowed(reader.bytes("endpoint.service_name")?);
            }
            (4, Kind::Binary) => sent.expect(endpoint.set_bytes(reader.bytes("endpoint.ipv6")?)),
            _ => reader.skip(field)?,
        }
    }
    Ok(endpoint)
}
