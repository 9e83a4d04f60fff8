//! Reads Zipkin's v2 protobuf.
//!
//! ```text
//! ListOfSpans 1 spans
//! Span        1 trace_id  2 parent_id  3 id  4 kind (-, client, server, producer, consumer)  5 name
//!             6 timestamp fixed64 us  7 duration us  8 local_endpoint  9 remote_endpoint
//!             10 annotations {1 timestamp fixed64 us, 2 value}  11 tags {1 key, 2 value}  12 debug
//!             13 shared
//! Endpoint    1 service_name  2 ipv4  3 ipv6  4 port
//! ```

use std::borrow::Cow;

use bytes::Bytes;
use span::{BatchBuilder, SpanId, SpanKind};

use super::Debug;
use super::endpoint::Endpoint;
use super::sent::{SentAnnotation, SentSpan, SentValue, Store, padded};
use crate::budget::Budget;
use crate::proto_reader::ProtoReader;
use crate::{DecodeError, Decoded};

/// Decodes `POST /api/v2/spans` as protobuf: a `zipkin.proto3.ListOfSpans`.
pub fn decode_proto(body: Bytes, debug: Debug) -> Result<Decoded, DecodeError> {
    let mut store = Store::new(BatchBuilder::over(body.clone())?, debug);
    let mut sent = SentSpan::default();
    let mut spans = ProtoReader::new(&body, "spans");
    while let Some(field) = spans.field()? {
        if field.number == 1 {
            store.budget.span()?;
            sent.clear();
            read_span(field.message("span")?, &mut sent, &mut store.budget)?;
            store.span(&sent)?;
        }
    }
    Ok(store.refusals.decoded(store.builder.finish()))
}

fn read_span<'a>(
    mut span: ProtoReader<'a>,
    sent: &mut SentSpan<'a>,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    while let Some(field) = span.field()? {
        match field.number {
            1 => sent.set_trace_id(field.bytes("span.trace_id")?),
            2 => sent.parent_id = read_id(field.bytes("span.parent_id")?, sent),
            3 => sent.span_id = read_id(field.bytes("span.id")?, sent),
            4 => {
                sent.kind = match field.varint("span.kind")? {
                    1 => SpanKind::Client,
                    2 => SpanKind::Server,
                    3 => SpanKind::Producer,
                    4 => SpanKind::Consumer,
                    _ => SpanKind::Unspecified,
                };
            }
            5 => sent.name = Cow::Borrowed(field.bytes("span.name")?),
            6 => sent.start = saturated(field.fixed64("span.timestamp")?),
            7 => sent.duration = saturated(field.varint("span.duration")?),
            8 => sent.local = read_endpoint(field.message("span.local_endpoint")?, sent)?,
            9 => sent.remote = read_endpoint(field.message("span.remote_endpoint")?, sent)?,
            10 => {
                budget.event()?;
                let annotation = read_annotation(field.message("span.annotations")?)?;
                sent.annotations.push(annotation);
            }
            11 => {
                budget.attribute()?;
                let tag = read_tag(field.message("span.tags")?)?;
                sent.tags.push(tag);
            }
            12 => sent.debug = field.varint("span.debug")? != 0,
            _ => {}
        }
    }
    Ok(())
}

fn read_endpoint<'a>(
    mut fields: ProtoReader<'a>,
    sent: &mut SentSpan<'a>,
) -> Result<Endpoint<'a>, DecodeError> {
    let mut endpoint = Endpoint::default();
    while let Some(field) = fields.field()? {
        match field.number {
            1 => endpoint.service_name = Cow::Borrowed(field.bytes("endpoint.service_name")?),
            2 | 3 => sent.expect(endpoint.set_bytes(field.bytes("endpoint.ip")?)),
            4 => sent.expect(endpoint.set_port(i128::from(field.varint("endpoint.port")?))),
            _ => {}
        }
    }
    Ok(endpoint)
}

fn read_annotation(mut fields: ProtoReader<'_>) -> Result<SentAnnotation<'_>, DecodeError> {
    let mut annotation = SentAnnotation { time: 0, text: Cow::Borrowed(b"") };
    while let Some(field) = fields.field()? {
        match field.number {
            1 => annotation.time = saturated(field.fixed64("annotation.timestamp")?),
            2 => annotation.text = Cow::Borrowed(field.bytes("annotation.value")?),
            _ => {}
        }
    }
    Ok(annotation)
}

fn read_tag(mut fields: ProtoReader<'_>) -> Result<(Cow<'_, [u8]>, SentValue<'_>), DecodeError> {
    let (mut key, mut value) = (&b""[..], &b""[..]);
    while let Some(field) = fields.field()? {
        match field.number {
            1 => key = field.bytes("tags.key")?,
            2 => value = field.bytes("tags.value")?,
            _ => {}
        }
    }
    Ok((Cow::Borrowed(key), SentValue::Text(Cow::Borrowed(value))))
}

fn read_id(bytes: &[u8], sent: &mut SentSpan<'_>) -> SpanId {
    match padded(bytes) {
        Some(id) => SpanId::from_bytes(id),
        None => {
            sent.expect(Err("an id is longer than 8 bytes"));
            SpanId::NONE
        }
    }
}

fn saturated(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX)
}
