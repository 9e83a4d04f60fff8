//! Reads Zipkin's v2 JSON.

use std::borrow::Cow;

use bytes::Bytes;
use span::{BatchBuilder, BatchFull, SpanKind};

use super::Debug;
use super::endpoint::Endpoint;
use super::sent::{SentAnnotation, SentSpan, SentValue, Store};
use crate::budget::Budget;
use crate::json_reader::JsonReader;
use crate::{DecodeError, Decoded};

/// Decodes `POST /api/v2/spans` as JSON: an array of spans.
pub fn decode_json_v2(body: Bytes, debug: Debug) -> Result<Decoded, DecodeError> {
    decode_array(body, debug, read_span)
}

/// Decodes an array of spans, each read by `read`. A span that is JSON but no span is refused alone.
pub(super) fn decode_array(
    body: Bytes,
    debug: Debug,
    read: impl for<'a> Fn(&mut JsonReader<'a>, &mut SentSpan<'a>, &mut Budget) -> Result<(), DecodeError>,
) -> Result<Decoded, DecodeError> {
    let mut store = Store::new(BatchBuilder::over(body.clone())?, debug);
    let mut sent = SentSpan::default();
    let mut reader = JsonReader::new(&body);
    let mut spans = reader.open_array("spans")?;
    while reader.item(&mut spans)? {
        store.budget.span()?;
        sent.clear();
        let mut behind = reader.clone();
        match read(&mut reader, &mut sent, &mut store.budget) {
            Ok(()) => store.span(&sent)?,
            Err(error @ (DecodeError::TooMany { .. } | DecodeError::BatchFull(BatchFull))) => {
                return Err(error);
            }
            Err(error) => {
                // Broken JSON fails again here, and refuses the message.
                behind.skip("span")?;
                reader = behind;
                store.refusals.refuse(&sent.name, &error.to_string());
            }
        }
    }
    reader.end()?;
    Ok(store.refusals.decoded(store.builder.finish()))
}

fn read_span<'a>(
    reader: &mut JsonReader<'a>,
    sent: &mut SentSpan<'a>,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let mut span = reader.open_object("span")?;
    while let Some(key) = reader.key(&mut span)? {
        match key.as_ref() {
            b"traceId" => read_trace_id(reader, sent)?,
            b"id" => sent.span_id = read_id(reader, sent, "span.id")?,
            b"parentId" => sent.parent_id = read_id(reader, sent, "span.parentId")?,
            b"name" => sent.name = reader.text("span.name")?,
            b"kind" => {
                let kind = reader.text("span.kind")?;
                let kind = std::str::from_utf8(&kind).ok().and_then(SpanKind::from_word);
                sent.kind = kind.unwrap_or_default();
            }
            b"timestamp" => sent.start = read_micros(reader, "span.timestamp")?,
            b"duration" => sent.duration = read_micros(reader, "span.duration")?,
            b"localEndpoint" => sent.local = read_endpoint(reader, sent)?,
            b"remoteEndpoint" => sent.remote = read_endpoint(reader, sent)?,
            b"annotations" => {
                let mut annotations = reader.open_array("span.annotations")?;
                while reader.item(&mut annotations)? {
                    budget.event()?;
                    let annotation = read_annotation(reader)?;
                    sent.annotations.push(annotation);
                }
            }
            b"tags" => {
                let mut tags = reader.open_object("span.tags")?;
                while let Some(key) = reader.key(&mut tags)? {
                    budget.attribute()?;
                    let value = read_text(reader, "span.tags")?;
                    sent.tags.push((key, SentValue::Text(value)));
                }
            }
            b"debug" => sent.debug = reader.bool("span.debug")?,
            _ => drop(reader.skip("span")?),
        }
    }
    Ok(())
}

fn read_annotation<'a>(reader: &mut JsonReader<'a>) -> Result<SentAnnotation<'a>, DecodeError> {
    let mut annotation = SentAnnotation { time: 0, text: Cow::Borrowed(b"") };
    let mut object = reader.open_object("annotation")?;
    while let Some(key) = reader.key(&mut object)? {
        match key.as_ref() {
            b"timestamp" => annotation.time = read_micros(reader, "annotation.timestamp")?,
            b"value" => annotation.text = read_text(reader, "annotation.value")?,
            _ => drop(reader.skip("annotation")?),
        }
    }
    Ok(annotation)
}

/// Reads an endpoint; a bad address or port is remembered against its span.
pub(super) fn read_endpoint<'a>(
    reader: &mut JsonReader<'a>,
    sent: &mut SentSpan<'a>,
) -> Result<Endpoint<'a>, DecodeError> {
    let mut endpoint = Endpoint::default();
    let mut object = reader.open_object("endpoint")?;
    while let Some(key) = reader.key(&mut object)? {
        match key.as_ref() {
            b"serviceName" => endpoint.service_name = reader.text("endpoint.serviceName")?,
            b"ipv4" | b"ipv6" => sent.expect(endpoint.set_text(reader.text("endpoint.ip")?)),
            b"port" => sent.expect(endpoint.set_port(reader.integer("endpoint.port")?)),
            _ => drop(reader.skip("endpoint")?),
        }
    }
    Ok(endpoint)
}

/// Reads a trace id of up to 32 hex digits, of either case.
pub(super) fn read_trace_id<'a>(
    reader: &mut JsonReader<'a>,
    sent: &mut SentSpan<'a>,
) -> Result<(), DecodeError> {
    let text = reader.text("span.traceId")?;
    match std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()) {
        Some(id) => sent.trace_id = id,
        None => sent.expect(Err("the trace id is no text of up to 32 hex digits")),
    }
    Ok(())
}

/// Reads one of the other ids; an empty one is none.
pub(super) fn read_id<'a>(
    reader: &mut JsonReader<'a>,
    sent: &mut SentSpan<'a>,
    field: &'static str,
) -> Result<span::SpanId, DecodeError> {
    let text = reader.text(field)?;
    if text.is_empty() {
        return Ok(span::SpanId::NONE);
    }
    let id = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
    if id.is_none() {
        sent.expect(Err("an id is no text of up to 16 hex digits"));
    }
    Ok(id.unwrap_or_default())
}

/// Reads microseconds, saturated.
pub(super) fn read_micros(reader: &mut JsonReader<'_>, field: &'static str) -> Result<i64, DecodeError> {
    let number = reader.integer(field)?;
    Ok(number.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}

/// Reads a text; of what is none, its JSON.
pub(super) fn read_text<'a>(
    reader: &mut JsonReader<'a>,
    field: &'static str,
) -> Result<Cow<'a, [u8]>, DecodeError> {
    if reader.is_string() {
        return reader.text(field);
    }
    match reader.skip(field)? {
        b"null" => Ok(Cow::Borrowed(b"")),
        raw => Ok(Cow::Borrowed(raw)),
    }
}
