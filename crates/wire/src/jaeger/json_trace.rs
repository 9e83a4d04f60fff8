//! Reads a trace in Jaeger's v1 JSON: one entry of `data`, as the UI saves it and `/api/traces` answers it.
//!
//! ```text
//! {"traceID": hex, "spans": [{"traceID", "spanID", "operationName", "flags", "startTime" (us), "duration" (us),
//!   "references": [{"refType", "traceID", "spanID"}], "tags": [TAG], "processID", "warnings": [text],
//!   "logs": [{"timestamp" (us), "fields": [TAG]}]}], "processes": {ID: {"serviceName", "tags": [TAG]}}}
//! TAG: {"key", "type": "string" | "bool" | "int64" | "float64" | "binary" (base64), "value"}
//! ```
//!
//! What tags and references mean is decided where it is for the other encodings, in [`super::sent`]. Keys come
//! in any order; a tag without a type has that of its value. A span that is JSON but no span is refused alone.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use span::{BatchBuilder, BatchFull, PackedWriter, SpanId, TraceId, UnixNanos, ValueRef};

use super::model::RefType;
use super::process::{SentProcess, SentTag};
use super::sent::{SentLog, SentReference, SentSpan};
use crate::budget::Budget;
use crate::decoded::Refusals;
use crate::json_reader::JsonReader;
use crate::scopes::Scopes;
use crate::{DecodeError, Decoded};

/// Decodes one trace.
pub fn decode_json(body: Bytes) -> Result<Decoded, DecodeError> {
    let mut store = Store {
        builder: BatchBuilder::over(body.clone())?,
        budget: Budget::new(),
        refusals: Refusals::default(),
        scopes: Scopes::default(),
        processes: HashMap::new(),
        stranger: None,
    };
    // Processes come behind the spans that name them: find both first.
    let mut reader = JsonReader::new(&body);
    let (mut spans, mut processes) = (None, None);
    let mut trace = reader.open_object("trace")?;
    while let Some(key) = reader.key(&mut trace)? {
        match &*key {
            b"spans" => spans = Some(reader.clone()),
            b"processes" => processes = Some(reader.clone()),
            _ => {}
        }
        reader.skip("trace")?;
    }
    reader.end()?;
    if let Some(processes) = processes {
        store.processes(processes)?;
    }
    if let Some(spans) = spans {
        store.spans(spans)?;
    }
    Ok(store.refusals.decoded(store.builder.finish()))
}

struct Store<'a> {
    builder: BatchBuilder,
    budget: Budget,
    refusals: Refusals,
    scopes: Scopes,
    /// Resources by the names that the document gives to processes.
    processes: HashMap<Cow<'a, [u8]>, u32>,
    /// The resource of spans that name no process of the document.
    stranger: Option<u32>,
}

/// A span as it stands in the document. Texts are the document's own where nothing in them is escaped.
#[derive(Default)]
struct JsonSpan<'a> {
    trace_id: TraceId,
    span_id: SpanId,
    parent_span_id: SpanId,
    name: Cow<'a, [u8]>,
    flags: u32,
    /// Microseconds.
    start: i128,
    /// Microseconds.
    duration: i128,
    references: Vec<SentReference>,
    tags: Vec<JsonTag<'a>>,
    logs: Vec<SentLog>,
    fields: Vec<JsonTag<'a>>,
    process: Cow<'a, [u8]>,
    /// A packed list.
    warnings: Vec<u8>,
}

struct JsonTag<'a> {
    key: Cow<'a, [u8]>,
    value: JsonValue<'a>,
}

enum JsonValue<'a> {
    Empty,
    Str(Cow<'a, [u8]>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
}

impl<'a> Store<'a> {
    fn processes(&mut self, mut reader: JsonReader<'a>) -> Result<(), DecodeError> {
        let mut processes = reader.open_object("processes")?;
        while let Some(name) = reader.key(&mut processes)? {
            let (mut service_name, mut tags) = (Cow::Borrowed(&b""[..]), Vec::new());
            let mut process = reader.open_object("process")?;
            while let Some(key) = reader.key(&mut process)? {
                match &*key {
                    b"serviceName" => service_name = reader.text("process.serviceName")?,
                    b"tags" => read_tags(&mut reader, &mut tags, &mut self.budget)?,
                    _ => drop(reader.skip("process")?),
                }
            }
            let sent =
                SentProcess { service_name: &service_name, tags: tags.iter().map(JsonTag::sent).collect() };
            let resource = sent.store(&mut self.builder, &mut self.budget)?;
            self.processes.insert(name, resource);
        }
        Ok(())
    }

    fn spans(&mut self, mut reader: JsonReader<'a>) -> Result<(), DecodeError> {
        let mut spans = reader.open_array("spans")?;
        while reader.item(&mut spans)? {
            self.budget.span()?;
            let mut behind = reader.clone();
            let mut span = JsonSpan::default();
            match span.read(&mut reader, &mut self.budget) {
                Ok(()) => self.span(&span)?,
                Err(error @ (DecodeError::TooMany { .. } | DecodeError::BatchFull(BatchFull))) => {
                    return Err(error);
                }
                Err(error) => {
                    // The document was walked over before, so only this span is wrong.
                    behind.skip("span")?;
                    reader = behind;
                    self.refusals.refuse(&span.name, &error.to_string());
                }
            }
        }
        Ok(())
    }

    fn span(&mut self, span: &JsonSpan<'a>) -> Result<(), DecodeError> {
        let resource = match self.processes.get(&span.process).copied().or(self.stranger) {
            Some(resource) => resource,
            None => {
                let stranger = SentProcess::default().store(&mut self.builder, &mut self.budget)?;
                *self.stranger.insert(stranger)
            }
        };
        let sent = span.sent();
        let stored = sent.store(resource, &mut self.scopes, &mut self.builder, &mut self.budget)?;
        if let Err(why) = stored {
            self.refusals.refuse(&span.name, why);
        }
        Ok(())
    }
}

impl<'a> JsonSpan<'a> {
    fn read(&mut self, reader: &mut JsonReader<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        let mut span = reader.open_object("span")?;
        while let Some(key) = reader.key(&mut span)? {
            match &*key {
                b"traceID" => self.trace_id = read_id(reader, "span.traceID")?.unwrap_or_default(),
                b"spanID" => self.span_id = read_id(reader, "span.spanID")?.unwrap_or_default(),
                b"parentSpanID" => {
                    self.parent_span_id = read_id(reader, "span.parentSpanID")?.unwrap_or_default();
                }
                b"operationName" => self.name = reader.text("span.operationName")?,
                b"flags" => self.flags = reader.integer("span.flags")? as u32,
                b"startTime" => self.start = reader.integer("span.startTime")?,
                b"duration" => self.duration = reader.integer("span.duration")?,
                b"references" => self.read_references(reader, budget)?,
                b"tags" => read_tags(reader, &mut self.tags, budget)?,
                b"logs" => self.read_logs(reader, budget)?,
                b"processID" => self.process = reader.text("span.processID")?,
                b"warnings" => self.read_warnings(reader, budget)?,
                _ => drop(reader.skip("span")?),
            }
        }
        Ok(())
    }

    fn read_references(
        &mut self,
        reader: &mut JsonReader<'a>,
        budget: &mut Budget,
    ) -> Result<(), DecodeError> {
        let mut references = reader.open_array("span.references")?;
        while reader.item(&mut references)? {
            budget.link()?;
            let (mut ref_type, mut trace_id, mut span_id) = (RefType::ChildOf, None, None);
            let mut reference = reader.open_object("reference")?;
            while let Some(key) = reader.key(&mut reference)? {
                match &*key {
                    b"refType" if &*reader.text("reference.refType")? == b"FOLLOWS_FROM" => {
                        ref_type = RefType::FollowsFrom;
                    }
                    b"refType" => {}
                    b"traceID" => trace_id = read_id(reader, "reference.traceID")?,
                    b"spanID" => span_id = read_id(reader, "reference.spanID")?,
                    _ => drop(reader.skip("reference")?),
                }
            }
            // A reference to nowhere does not cost the span.
            if let (Some(trace_id), Some(span_id)) = (trace_id, span_id) {
                self.references.push(SentReference { ref_type, trace_id, span_id });
            }
        }
        Ok(())
    }

    fn read_logs(&mut self, reader: &mut JsonReader<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        let mut logs = reader.open_array("span.logs")?;
        while reader.item(&mut logs)? {
            budget.event()?;
            let (mut time, before) = (0, self.fields.len());
            let mut log = reader.open_object("log")?;
            while let Some(key) = reader.key(&mut log)? {
                match &*key {
                    b"timestamp" => time = reader.integer("log.timestamp")?,
                    b"fields" => read_tags(reader, &mut self.fields, budget)?,
                    _ => drop(reader.skip("log")?),
                }
            }
            let field_count = self.fields.len() - before;
            self.logs.push(SentLog { time: of_micros(time), field_count });
        }
        Ok(())
    }

    fn read_warnings(&mut self, reader: &mut JsonReader<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        let mut packed = PackedWriter::new();
        let mut warnings = reader.open_array("span.warnings")?;
        while reader.item(&mut warnings)? {
            budget.attribute()?;
            packed.item(ValueRef::Str(&reader.text("span.warnings")?));
        }
        self.warnings = packed.finish();
        Ok(())
    }

    fn sent(&self) -> SentSpan<'_> {
        SentSpan {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_span_id: self.parent_span_id,
            name: &self.name,
            flags: self.flags,
            start: of_micros(self.start),
            end: of_micros(self.start.saturating_add(self.duration)),
            references: self.references.clone(),
            tags: self.tags.iter().map(JsonTag::sent).collect(),
            logs: self.logs.clone(),
            fields: self.fields.iter().map(JsonTag::sent).collect(),
            warnings: self.warnings.clone(),
        }
    }
}

impl JsonTag<'_> {
    fn sent(&self) -> SentTag<'_> {
        let value = match &self.value {
            JsonValue::Empty => ValueRef::Empty,
            JsonValue::Str(text) => ValueRef::Str(text),
            JsonValue::Bool(on) => ValueRef::Bool(*on),
            JsonValue::Int(number) => ValueRef::Int(*number),
            JsonValue::Double(number) => ValueRef::Double(*number),
            JsonValue::Bytes(bytes) => ValueRef::Bytes(bytes),
        };
        (&self.key, value)
    }
}

fn read_tags<'a>(
    reader: &mut JsonReader<'a>,
    into: &mut Vec<JsonTag<'a>>,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let mut tags = reader.open_array("tags")?;
    while reader.item(&mut tags)? {
        budget.attribute()?;
        let (mut name, mut kind, mut value) = (Cow::Borrowed(&b""[..]), Cow::Borrowed(&b""[..]), None);
        let mut tag = reader.open_object("tag")?;
        while let Some(key) = reader.key(&mut tag)? {
            match &*key {
                b"key" => name = reader.text("tag.key")?,
                b"type" => kind = reader.text("tag.type")?,
                b"value" => {
                    value = Some(reader.clone());
                    reader.skip("tag.value")?;
                }
                _ => drop(reader.skip("tag")?),
            }
        }
        let value = match value {
            Some(mut value) => read_value(&mut value, &kind)?,
            None => JsonValue::Empty,
        };
        into.push(JsonTag { key: name, value });
    }
    Ok(())
}

/// Reads a value of a type by its name; numbers may be strings, as they are where JSON cannot hold them.
fn read_value<'a>(reader: &mut JsonReader<'a>, kind: &[u8]) -> Result<JsonValue<'a>, DecodeError> {
    if reader.is_string() {
        let again = reader.clone();
        let text = reader.text("tag.value")?;
        let mut reader = again;
        return Ok(match kind {
            b"int64" => {
                match reader.integer("tag.value").ok().and_then(|number| i64::try_from(number).ok()) {
                    Some(number) => JsonValue::Int(number),
                    None => JsonValue::Str(text),
                }
            }
            b"float64" => reader.double("tag.value").map_or(JsonValue::Str(text), JsonValue::Double),
            b"bool" if matches!(&*text, b"true" | b"false") => JsonValue::Bool(&*text == b"true"),
            b"binary" => STANDARD.decode(&text).map_or(JsonValue::Str(text), JsonValue::Bytes),
            _ => JsonValue::Str(text),
        });
    }
    let mut number = reader.clone();
    let word = reader.skip("tag.value")?;
    Ok(match (word.first(), kind) {
        (Some(b'n') | None, _) => JsonValue::Empty,
        (Some(b't' | b'f'), _) => JsonValue::Bool(word == b"true"),
        (Some(b'{' | b'['), _) => JsonValue::Str(Cow::Borrowed(word)),
        (_, b"float64") => JsonValue::Double(number.double("tag.value")?),
        (_, _) => {
            let whole = !word.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
            match std::str::from_utf8(word).ok().filter(|_| whole).and_then(|word| word.parse().ok()) {
                Some(number) => JsonValue::Int(number),
                None => JsonValue::Double(number.double("tag.value")?),
            }
        }
    })
}

/// Reads an id in hex; `None` where it is empty.
fn read_id<'a, Id: std::str::FromStr>(
    reader: &mut JsonReader<'a>,
    field: &'static str,
) -> Result<Option<Id>, DecodeError> {
    let text = reader.text(field)?;
    if text.is_empty() {
        return Ok(None);
    }
    let id = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
    id.map(Some).ok_or_else(|| reader.broken(field, "an id in hex was expected"))
}

fn of_micros(micros: i128) -> UnixNanos {
    let nanos = micros.saturating_mul(1_000);
    UnixNanos(nanos.clamp(0, i128::from(u64::MAX)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        let decoded = decode_json(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let mut seen = String::new();
        for span in decoded.batch.spans() {
            let name = String::from_utf8_lossy(span.name()).into_owned();
            let (id, parent) = (span.span_id().to_u64(), span.parent_span_id().to_u64());
            seen += &format!("{name} {id:x}<{parent:x} {}..{}", span.start().0, span.row().end.0);
            for (key, value) in span.resource().attributes().chain(span.attributes()) {
                seen += &format!(" {}={value:?}", String::from_utf8_lossy(key));
            }
            for event in span.events() {
                seen += &format!(" @{}:{}", event.time().0, String::from_utf8_lossy(event.name()));
            }
            seen.push('\n');
        }
        seen += &format!("{} {}", decoded.rejected, decoded.reason.unwrap_or_default());
        assert_eq!(seen.trim_end(), expected);
    }

    #[test]
    fn a_trace_is_read_in_any_order_of_keys() {
        check(
            r#"{"processes":{"p1":{"serviceName":"ca\u0072t","tags":[{"key":"n","type":"int64","value":7}]}},
               "spans":[{"processID":"p1","traceID":"1","spanID":"2","operationName":"get","startTime":5,"duration":2,
               "references":[{"refType":"CHILD_OF","traceID":"1","spanID":"9"}],
               "logs":[{"timestamp":6,"fields":[{"key":"event","type":"string","value":"retry"}]}],"warnings":null}]}"#,
            "get 2<9 5000..7000 service.name=Str([99, 97, 114, 116]) n=Int(7) @6000:retry\n0",
        );
    }

    #[test]
    fn values_have_the_type_that_is_named() {
        let check = |tag: &str, expected: &str| {
            let tags = format!(
                r#"{{"spans":[{{"traceID":"1","spanID":"2","tags":[{{"key":"k",{tag}}}]}}],"traceID":"1"}}"#
            );
            check(&tags, &format!(" 2<0 0..0 k={expected}\n0"));
        };
        check(r#""type":"int64","value":"9007199254740993""#, "Int(9007199254740993)");
        check(r#""value":3,"type":"float64""#, "Double(3.0)");
        check(r#""type":"float64","value":"NaN""#, "Double(NaN)");
        check(r#""type":"binary","value":"/w==""#, "Bytes([255])");
        check(r#""type":"bool","value":"true""#, "Bool(true)");
        check(r#""type":"string","value":"a""#, "Str([97])");
        check(r#""value":false"#, "Bool(false)");
        check(r#""value":1.5"#, "Double(1.5)");
        check(r#""value":null"#, "Empty");
        check(r#""type":"int64","value":"x""#, "Str([120])");
    }

    #[test]
    fn what_is_no_span_is_refused_alone() {
        check(
            r#"{"spans":[{"operationName":"a","traceID":"zz","spanID":"1"},{"operationName":"b","spanID":"1"},7,
               {"traceID":"1","spanID":"2"}]}"#,
            " 2<0 0..0\n3 span \"a\": span.traceID: an id in hex was expected at byte 45",
        );
        for broken in ["", "[]", "{", r#"{"spans":[}"#, r#"{"spans":7}"#] {
            assert!(decode_json(Bytes::copy_from_slice(broken.as_bytes())).is_err(), "{broken}");
        }
    }
}
