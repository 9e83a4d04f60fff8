//! Reads Zipkin's v1 JSON.

use std::borrow::Cow;

use bytes::Bytes;

use super::Debug;
use super::endpoint::Endpoint;
use super::json_v2::{decode_array, read_endpoint, read_id, read_micros, read_text, read_trace_id};
use super::sent::{SentAnnotation, SentSpan, SentValue};
use super::v1::V1;
use crate::budget::Budget;
use crate::json_reader::JsonReader;
use crate::{DecodeError, Decoded};

/// Decodes `POST /api/v1/spans` as JSON: an array of spans.
pub fn decode_json_v1(body: Bytes, debug: Debug) -> Result<Decoded, DecodeError> {
    decode_array(body, debug, read_span)
}

fn read_span<'a>(
    reader: &mut JsonReader<'a>,
    sent: &mut SentSpan<'a>,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let mut v1 = V1::default();
    let mut span = reader.open_object("span")?;
    while let Some(key) = reader.key(&mut span)? {
        match key.as_ref() {
            b"traceId" => read_trace_id(reader, sent)?,
            b"id" => sent.span_id = read_id(reader, sent, "span.id")?,
            b"parentId" => sent.parent_id = read_id(reader, sent, "span.parentId")?,
            b"name" => sent.name = reader.text("span.name")?,
            b"timestamp" => sent.start = read_micros(reader, "span.timestamp")?,
            b"duration" => sent.duration = read_micros(reader, "span.duration")?,
            b"annotations" => {
                let mut annotations = reader.open_array("span.annotations")?;
                while reader.item(&mut annotations)? {
                    budget.event()?;
                    read_annotation(reader, sent, &mut v1)?;
                }
            }
            b"binaryAnnotations" => {
                let mut annotations = reader.open_array("span.binaryAnnotations")?;
                while reader.item(&mut annotations)? {
                    budget.attribute()?;
                    read_tag(reader, sent, &mut v1)?;
                }
            }
            b"debug" => sent.debug = reader.bool("span.debug")?,
            _ => drop(reader.skip("span")?),
        }
    }
    v1.finish(sent);
    Ok(())
}

fn read_annotation<'a>(
    reader: &mut JsonReader<'a>,
    sent: &mut SentSpan<'a>,
    v1: &mut V1<'a>,
) -> Result<(), DecodeError> {
    let (mut annotation, mut host) =
        (SentAnnotation { time: 0, text: Cow::Borrowed(b"") }, Endpoint::default());
    let mut object = reader.open_object("annotation")?;
    while let Some(key) = reader.key(&mut object)? {
        match key.as_ref() {
            b"timestamp" => annotation.time = read_micros(reader, "annotation.timestamp")?,
            b"value" => annotation.text = read_text(reader, "annotation.value")?,
            b"endpoint" => host = read_endpoint(reader, sent)?,
            _ => drop(reader.skip("annotation")?),
        }
    }
    v1.annotation(annotation, host, sent);
    Ok(())
}

fn read_tag<'a>(
    reader: &mut JsonReader<'a>,
    sent: &mut SentSpan<'a>,
    v1: &mut V1<'a>,
) -> Result<(), DecodeError> {
    let (mut tag_key, mut value) = (Cow::Borrowed(&b""[..]), SentValue::Text(Cow::Borrowed(b"")));
    let mut host = Endpoint::default();
    let mut object = reader.open_object("binaryAnnotation")?;
    while let Some(key) = reader.key(&mut object)? {
        match key.as_ref() {
            b"key" => tag_key = reader.text("binaryAnnotation.key")?,
            b"value" => value = SentValue::Text(read_text(reader, "binaryAnnotation.value")?),
            b"endpoint" => host = read_endpoint(reader, sent)?,
            _ => drop(reader.skip("binaryAnnotation")?),
        }
    }
    v1.tag(tag_key, value, host, sent);
    Ok(())
}
