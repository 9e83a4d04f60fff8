//! What is written is read back, by the crate's own reader; another program's reader is in the suite `clients`.

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use proptest::prelude::*;
use span::arbitrary::batches;
use span::{
    BatchFull, EventRow, LinkRow, Packed, PackedWriter, ResourceRow, Rows, ScopeRow, SpanBatch, SpanId,
    SpanRow, Text, TraceId, ValueRef,
};

use super::*;

/// Writes every trace of the batch and returns the file, and the spans in its order.
fn written(batch: &SpanBatch) -> (Vec<u8>, Vec<SpanBatch>) {
    let (mut table, mut file, mut spans) = (Table::begin().unwrap(), Vec::new(), Vec::new());
    let mut ids: Vec<TraceId> = batch.spans().map(SpanRef::trace_id).collect();
    ids.dedup();
    for id in ids {
        let trace = Trace::assemble(id, batch.spans()).unwrap().unwrap();
        table.trace(&trace, &mut file).unwrap();
        for span in trace.spans() {
            let mut alone = BatchBuilder::new();
            alone.append([span]).unwrap();
            spans.push(alone.finish());
        }
    }
    table.end(&mut file).unwrap();
    (file, spans)
}

fn rows(file: Vec<u8>) -> Vec<Row> {
    let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
    reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

/// A row's fields by name.
struct Fields<'a>(&'a Row);

impl<'a> Fields<'a> {
    fn of(&self, name: &str) -> &'a Field {
        let found = self.0.get_column_iter().find(|(column, _)| *column == name);
        found.unwrap_or_else(|| panic!("there is no column {name}")).1
    }

    fn text(&self, name: &str) -> &'a str {
        match self.of(name) {
            Field::Str(text) => text,
            Field::Null => "",
            other => panic!("{name}: {other:?}"),
        }
    }

    fn count(&self, name: &str) -> u32 {
        match self.of(name) {
            Field::UInt(count) => *count,
            other => panic!("{name}: {other:?}"),
        }
    }

    fn time(&self, name: &str) -> UnixNanos {
        match self.of(name) {
            Field::Long(nanos) => UnixNanos(nanos.cast_unsigned()),
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn elements(field: &Field) -> Vec<&Row> {
    let Field::ListInternal(list) = field else { panic!("{field:?}") };
    list.elements()
        .iter()
        .map(|element| match element {
            Field::Group(row) => row,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn put(builder: &mut BatchBuilder, text: &str) -> Text {
    builder.text(text.as_bytes()).unwrap()
}

fn attributes(builder: &mut BatchBuilder, field: &Field) -> Result<Rows, BatchFull> {
    let mark = builder.mark();
    let Field::MapInternal(map) = field else { panic!("{field:?}") };
    for (key, value) in map.entries() {
        let (Field::Str(key), Field::Group(value)) = (key, value) else { panic!("{key:?} {value:?}") };
        let set: Vec<&Field> =
            value.get_column_iter().map(|(_, field)| field).filter(|field| **field != Field::Null).collect();
        assert!(set.len() <= 1, "{value}");
        let json;
        let value = match set.first() {
            None => ValueRef::Empty,
            Some(Field::Bool(on)) => ValueRef::Bool(*on),
            Some(Field::Long(number)) => ValueRef::Int(*number),
            Some(Field::Double(number)) => ValueRef::Double(*number),
            Some(Field::Bytes(bytes)) => ValueRef::Bytes(bytes.data()),
            Some(Field::Str(text)) if *value.get_column_iter().last().unwrap().1 == Field::Null => {
                ValueRef::Str(text.as_bytes())
            }
            Some(Field::Str(text)) => {
                json = packed(&serde_json::from_str(text).unwrap());
                if text.starts_with('[') {
                    ValueRef::Array(Packed::new(&json).list())
                } else {
                    ValueRef::Map(Packed::new(&json).map())
                }
            }
            other => panic!("{other:?}"),
        };
        builder.push(key.as_bytes(), value)?;
    }
    Ok(builder.since(mark))
}

/// Returns an array or a map of JSON as values.
fn packed(json: &serde_json::Value) -> Vec<u8> {
    let mut writer = PackedWriter::new();
    let with = |json: &serde_json::Value, write: &mut dyn FnMut(ValueRef<'_>)| match json {
        serde_json::Value::Null => write(ValueRef::Empty),
        serde_json::Value::Bool(on) => write(ValueRef::Bool(*on)),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => write(ValueRef::Int(number)),
            None => write(ValueRef::Double(number.as_f64().unwrap())),
        },
        serde_json::Value::String(text) => write(ValueRef::Str(text.as_bytes())),
        serde_json::Value::Array(_) => write(ValueRef::Array(Packed::new(&packed(json)).list())),
        serde_json::Value::Object(_) => write(ValueRef::Map(Packed::new(&packed(json)).map())),
    };
    match json {
        serde_json::Value::Array(items) => {
            items.iter().for_each(|item| with(item, &mut |value| writer.item(value)));
        }
        serde_json::Value::Object(entries) => {
            for (key, value) in entries {
                with(value, &mut |value| writer.entry(key.as_bytes(), value));
            }
        }
        other => panic!("{other}"),
    }
    writer.finish()
}

/// Makes a span from its row alone.
fn made_again(row: &Row) -> SpanBatch {
    if let Field::Bytes(otlp) = Fields(row).of("otlp") {
        return wire::otlp::decode_proto(Bytes::copy_from_slice(otlp.data())).unwrap().batch;
    }
    let (fields, mut builder) = (Fields(row), BatchBuilder::new());
    let resource_attributes = attributes(&mut builder, fields.of("resource_attributes")).unwrap();
    let schema_url = put(&mut builder, fields.text("resource_schema_url"));
    let resource = builder.resource(ResourceRow {
        attributes: resource_attributes,
        dropped_attributes_count: fields.count("resource_dropped_attributes_count"),
        schema_url,
        residual: Text::default(),
    });
    let scope_attributes = attributes(&mut builder, fields.of("scope_attributes")).unwrap();
    let scope = ScopeRow {
        name: put(&mut builder, fields.text("scope_name")),
        version: put(&mut builder, fields.text("scope_version")),
        attributes: scope_attributes,
        dropped_attributes_count: fields.count("scope_dropped_attributes_count"),
        schema_url: put(&mut builder, fields.text("scope_schema_url")),
        residual: Text::default(),
    };
    let scope = builder.scope(scope);
    let mut events = Vec::new();
    for event in elements(fields.of("events")) {
        let attributes = attributes(&mut builder, Fields(event).of("attributes")).unwrap();
        events.push(EventRow {
            time: Fields(event).time("time"),
            name: put(&mut builder, Fields(event).text("name")),
            attributes,
            dropped_attributes_count: Fields(event).count("dropped_attributes_count"),
            residual: Text::default(),
        });
    }
    let mut links = Vec::new();
    for link in elements(fields.of("links")) {
        let attributes = attributes(&mut builder, Fields(link).of("attributes")).unwrap();
        links.push(LinkRow {
            trace_id: Fields(link).text("trace_id").parse().unwrap_or_default(),
            span_id: Fields(link).text("span_id").parse().unwrap_or_default(),
            flags: Fields(link).count("flags"),
            trace_state: put(&mut builder, Fields(link).text("trace_state")),
            attributes,
            dropped_attributes_count: Fields(link).count("dropped_attributes_count"),
            residual: Text::default(),
        });
    }
    let attributes = attributes(&mut builder, fields.of("attributes")).unwrap();
    let mark = builder.mark();
    events.into_iter().for_each(|event| builder.event(event));
    links.into_iter().for_each(|link| builder.link(link));
    let kind = SpanKind::from_word(fields.text("kind")).unwrap_or_default();
    let code = ["unset", "ok", "error"].iter().position(|word| *word == fields.text("status_code")).unwrap();
    let span = SpanRow {
        trace_id: fields.text("trace_id").parse().unwrap_or_default(),
        span_id: fields.text("span_id").parse::<SpanId>().unwrap_or_default(),
        parent_span_id: fields.text("parent_span_id").parse().unwrap_or_default(),
        start: fields.time("start_time"),
        end: fields.time("end_time"),
        resource,
        scope,
        name: put(&mut builder, fields.text("name")),
        kind,
        status_code: StatusCode::from_number(code as u64).unwrap(),
        status_message: put(&mut builder, fields.text("status_message")),
        flags: fields.count("flags"),
        trace_state: put(&mut builder, fields.text("trace_state")),
        attributes,
        events: builder.events_since(mark),
        links: builder.links_since(mark),
        dropped_attributes_count: fields.count("dropped_attributes_count"),
        dropped_events_count: fields.count("dropped_events_count"),
        dropped_links_count: fields.count("dropped_links_count"),
        residual: Text::default(),
    };
    builder.span(span);
    builder.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_span_can_be_made_again_from_its_row(batch in batches()) {
        let (file, spans) = written(&batch);
        let rows = rows(file);
        prop_assert_eq!(rows.len(), spans.len());
        for (row, span) in rows.iter().zip(&spans) {
            prop_assert_eq!(&made_again(row), span);
        }
    }
}

#[test]
fn plain_spans_need_no_otlp_and_fill_groups() {
    let (mut table, mut file, mut count) = (Table::begin().unwrap(), Vec::new(), 0);
    for batch in shop::World::new(7).requests() {
        let mut ids: Vec<TraceId> = batch.spans().map(SpanRef::trace_id).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let trace = Trace::assemble(id, batch.spans()).unwrap().unwrap();
            count += trace.spans().len();
            table.trace(&trace, &mut file).unwrap();
        }
        if 40_000 < count {
            break;
        }
    }
    table.end(&mut file).unwrap();
    let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
    let groups = reader.metadata().row_groups();
    assert_eq!(groups[0].num_rows(), GROUP_ROWS_MAX as i64);
    assert_eq!(groups.iter().map(|group| group.num_rows()).sum::<i64>(), count as i64);
    let otlp = groups[0].columns().last().unwrap();
    assert_eq!(otlp.statistics().unwrap().null_count_opt(), Some(GROUP_ROWS_MAX as u64));
}
