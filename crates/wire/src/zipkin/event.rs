//! Annotations as events.
//!
//! An annotation is one text. OpenTelemetry's exporters put an event's attributes into it as JSON, each in
//! its own way, and all of them are read back:
//!
//! | exporter | annotation |
//! |---|---|
//! | Python | `{"name": {"key": value, ..}}` |
//! | Java | `"name":{"key":value, ..}` |
//! | Go | `name: {"key":value, ..}` |
//! | Collector | `name|{"key":value, ..}|dropped` |
//!
//! Everything else is the event's name as it stands.

use std::borrow::Cow;

use span::{BatchBuilder, BatchFull, EventRow, UnixNanos, ValueRef};

use crate::DecodeError;
use crate::budget::Budget;
use crate::json_reader::JsonReader;

/// Adds an annotation as an event.
pub(super) fn store(
    time: UnixNanos,
    annotation: &[u8],
    builder: &mut BatchBuilder,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let mark = builder.mark();
    let (name, dropped_attributes_count) = match parts(annotation) {
        Some(parts) => match store_attributes(parts.json, builder, budget) {
            Ok(()) => (parts.name, parts.dropped),
            Err(error @ (DecodeError::TooMany { .. } | DecodeError::BatchFull(BatchFull))) => {
                return Err(error);
            }
            Err(_) => {
                builder.rewind(mark);
                (Cow::Borrowed(annotation), 0)
            }
        },
        None => (Cow::Borrowed(annotation), 0),
    };
    let attributes = builder.since(mark);
    let name = builder.text(&name)?;
    builder.event(EventRow { time, name, attributes, dropped_attributes_count, ..EventRow::default() });
    Ok(())
}

/// Tells whether a text reads as a name with attributes.
pub(super) fn is_apart(annotation: &[u8]) -> bool {
    parts(annotation).is_some()
}

/// An annotation taken apart; `json` is meant to be an object.
struct Parts<'a> {
    name: Cow<'a, [u8]>,
    json: &'a [u8],
    dropped: u32,
}

impl<'a> Parts<'a> {
    fn plain(name: &'a [u8], json: &'a [u8]) -> Self {
        Self { name: Cow::Borrowed(name), json, dropped: 0 }
    }
}

fn parts(annotation: &[u8]) -> Option<Parts<'_>> {
    match annotation {
        [b'{', inside @ .., b'}'] => {
            let (name, json) = quoted_name(inside)?;
            Some(Parts { name, json, dropped: 0 })
        }
        [b'"', .., b'}'] => {
            let (name, json) = quoted_name(annotation)?;
            Some(Parts { name, json, dropped: 0 })
        }
        [.., b'}'] => {
            let at = annotation.windows(3).position(|window| window == b": {")?;
            let (name, json) = annotation.split_at_checked(at)?;
            Some(Parts::plain(name, json.get(2..)?))
        }
        [.., b'0'..=b'9'] => {
            let last = annotation.iter().rposition(|byte| *byte == b'|')?;
            let (front, dropped) = annotation.split_at_checked(last)?;
            let first = front.iter().position(|byte| *byte == b'|')?;
            let (name, json) = front.split_at_checked(first)?;
            let dropped = std::str::from_utf8(dropped.get(1..)?).ok()?.parse().ok()?;
            Some(Parts { dropped, ..Parts::plain(name, json.get(1..)?) })
        }
        _ => None,
    }
}

/// Splits `"name": {..}`.
fn quoted_name(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let quoted = JsonReader::new(text).skip("annotation").ok()?;
    let name = JsonReader::new(quoted).text("annotation").ok()?;
    let from = quoted.as_ptr() as usize - text.as_ptr() as usize + quoted.len();
    let json = text.get(from..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii();
    json.starts_with(b"{").then_some((name, json))
}

/// Adds the members of a flat object; what is nested stays JSON text.
fn store_attributes(json: &[u8], builder: &mut BatchBuilder, budget: &mut Budget) -> Result<(), DecodeError> {
    let mut reader = JsonReader::new(json);
    let mut object = reader.open_object("annotation")?;
    while let Some(key) = reader.key(&mut object)? {
        budget.attribute()?;
        if reader.is_string() {
            let text = reader.text("annotation")?;
            builder.push(&key, ValueRef::Str(&text))?;
            continue;
        }
        let raw = reader.skip("annotation")?;
        builder.push(&key, scalar(raw))?;
    }
    reader.end()
}

/// Returns a JSON value that is no string.
fn scalar(raw: &[u8]) -> ValueRef<'_> {
    let number = std::str::from_utf8(raw).unwrap_or_default();
    match raw {
        b"true" => ValueRef::Bool(true),
        b"false" => ValueRef::Bool(false),
        b"null" => ValueRef::Empty,
        _ => match (number.parse(), number.parse()) {
            (Ok(number), _) => ValueRef::Int(number),
            (_, Ok(number)) => ValueRef::Double(number),
            _ => ValueRef::Str(raw),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use span::{ResourceRow, ScopeRow, SpanRow};

    fn shown(annotation: &str) -> String {
        let mut builder = BatchBuilder::new();
        let resource = builder.resource(ResourceRow::default());
        let scope = builder.scope(ScopeRow::default());
        let mark = builder.mark();
        store(UnixNanos(1), annotation.as_bytes(), &mut builder, &mut Budget::new()).unwrap();
        let events = builder.events_since(mark);
        builder.span(SpanRow { resource, scope, events, ..SpanRow::default() });
        let batch = builder.finish();
        let event = batch.span(0).events().next().unwrap();
        let mut shown = String::from_utf8_lossy(event.name()).into_owned();
        for (key, value) in event.attributes() {
            shown += &format!(" {}={:?}", String::from_utf8_lossy(key), value.text_form());
        }
        shown
    }

    #[test]
    fn every_exporter_is_understood() {
        let attributes = r#"{"n": 2, "on": false, "text": "a\"b", "half": 0.5, "list": [1, 2]}"#;
        let expected = r#"retry n="2" on="false" text="a\"b" half="0.5" list="[1, 2]""#;
        assert_eq!(shown(&format!("{{\"retry\": {attributes}}}")), expected);
        assert_eq!(shown(&format!("\"retry\":{attributes}")), expected);
        assert_eq!(shown(&format!("retry: {attributes}")), expected);
        assert_eq!(shown(&format!("retry|{attributes}|3")), expected);
    }

    #[test]
    fn plain_annotations_stand_as_they_are() {
        let plain = [
            "cache miss",
            "{}",
            r#"{"a": 1}"#,
            r#"{"a": {}, "b": {}}"#,
            "x: {broken}",
            r#"x: {"a":1"#,
            "a|b",
            "a|b|1",
            "took 7",
            "\"",
            "{\"",
            "",
        ];
        for annotation in plain {
            assert_eq!(shown(annotation), annotation);
        }
    }
}
