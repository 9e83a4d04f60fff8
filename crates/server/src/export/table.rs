//! Spans as a table in Parquet, a row for each; `docs/parquet.md` is the promise.
//!
//! Attributes are maps from key to a struct that has one field for each type; events and links are lists.
//! A row says everything of its span: where columns cannot (a repeated key, text that is no UTF-8, a field
//! of OTLP that this version does not know), its last column has the span as OTLP, too. Rows are gathered
//! in columns until they are a row group, so memory holds one group, and of each group before it what the end
//! of the file says of it: some 30 KB.

mod columns;

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, Type};
use span::{BatchBuilder, BatchFull, EventRef, LinkRef, SpanKind, SpanRef, StatusCode, Trace, UnixNanos};

use self::columns::{ATTRIBUTES_LEAVES, Columns, Place};

/// Rows of a group: enough for dictionaries to pay.
const GROUP_ROWS_MAX: usize = 32_768;
/// A group with very long texts has fewer rows. One with thirty attributes a span takes about this much.
const GROUP_BYTES_MAX: usize = 128 << 20;

/// Columns of a file that an event takes, and a link.
const EVENT_LEAVES: usize = 3 + ATTRIBUTES_LEAVES;
const LINK_LEAVES: usize = 5 + ATTRIBUTES_LEAVES;

/// A table on its way.
pub(super) struct Table {
    file: SerializedFileWriter<Vec<u8>>,
    columns: Columns,
}

impl Table {
    /// Begins a table.
    pub(super) fn begin() -> io::Result<Self> {
        let schema = schema().map_err(io_error)?;
        let file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties().map_err(io_error)?));
        let file = file.map_err(io_error)?;
        let columns = Columns::of(file.schema_descr());
        Ok(Self { file, columns })
    }

    /// Adds the spans of a trace, and writes what is complete.
    pub(super) fn trace(&mut self, trace: &Trace, out: &mut impl Write) -> io::Result<()> {
        for span in trace.spans() {
            row(span, &mut self.columns).map_err(io::Error::other)?;
            if GROUP_ROWS_MAX <= self.columns.rows() || GROUP_BYTES_MAX <= self.columns.bytes() {
                self.group(out)?;
            }
        }
        Ok(())
    }

    /// Writes what is left, and the table's end.
    pub(super) fn end(&mut self, out: &mut impl Write) -> io::Result<()> {
        if 0 < self.columns.rows() {
            self.group(out)?;
        }
        self.file.finish().map_err(io_error)?;
        out.write_all(&std::mem::take(self.file.inner_mut()))
    }

    fn group(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.columns.write(&mut self.file).map_err(io_error)?;
        self.file.flush()?;
        out.write_all(&std::mem::take(self.file.inner_mut()))
    }
}

/// Returns the columns, in the order in which [`row`] fills them.
fn schema() -> Result<Arc<Type>, ParquetError> {
    let attributes = |name: &str| {
        format!(
            "required group {name} (MAP) {{ repeated group key_value {{
               required binary key (STRING);
               required group value {{
                 optional binary string (STRING); optional boolean bool; optional int64 int;
                 optional double double; optional binary bytes; optional binary json (JSON); }} }} }}"
        )
    };
    let (of_resource, of_scope) = (attributes("resource_attributes"), attributes("scope_attributes"));
    let of_owner = attributes("attributes");
    let text = format!(
        "message spans {{
           required binary trace_id (STRING);
           required binary span_id (STRING);
           optional binary parent_span_id (STRING);
           optional binary trace_state (STRING);
           required int32 flags (INTEGER(32,false));
           required binary service_name (STRING);
           required binary name (STRING);
           required binary kind (STRING);
           required int64 start_time (TIMESTAMP(NANOS,true));
           required int64 end_time (TIMESTAMP(NANOS,true));
           required int64 duration_ns;
           required binary status_code (STRING);
           optional binary status_message (STRING);
           {of_owner}
           required int32 dropped_attributes_count (INTEGER(32,false));
           required group events (LIST) {{ repeated group list {{ required group element {{
             required int64 time (TIMESTAMP(NANOS,true));
             required binary name (STRING);
             {of_owner}
             required int32 dropped_attributes_count (INTEGER(32,false)); }} }} }}
           required int32 dropped_events_count (INTEGER(32,false));
           required group links (LIST) {{ repeated group list {{ required group element {{
             required binary trace_id (STRING);
             required binary span_id (STRING);
             optional binary trace_state (STRING);
             required int32 flags (INTEGER(32,false));
             {of_owner}
             required int32 dropped_attributes_count (INTEGER(32,false)); }} }} }}
           required int32 dropped_links_count (INTEGER(32,false));
           {of_resource}
           required int32 resource_dropped_attributes_count (INTEGER(32,false));
           optional binary resource_schema_url (STRING);
           optional binary scope_name (STRING);
           optional binary scope_version (STRING);
           {of_scope}
           required int32 scope_dropped_attributes_count (INTEGER(32,false));
           optional binary scope_schema_url (STRING);
           optional binary otlp; }}"
    );
    Ok(Arc::new(parse_message_type(&text)?))
}

fn properties() -> Result<WriterProperties, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_created_by(format!("tracewell {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        // Of a page nobody asks: groups are small. Their figures would be most of a large file's end.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for name in ["start_time", "end_time", "duration_ns"] {
        let column = ColumnPath::from(name);
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
    }
    for name in ["span_id", "parent_span_id", "otlp"] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), false);
    }
    Ok(properties.build())
}

/// Adds a span to all columns.
fn row(span: SpanRef<'_>, columns: &mut Columns) -> Result<(), BatchFull> {
    let (resource, scope, top) = (span.resource(), span.scope(), Place::default());
    columns.begin_row();
    columns.word(top, &span.trace_id().to_string());
    columns.word(top, &span.span_id().to_string());
    let parent = span.parent_span_id();
    let parent = if parent.is_none() { String::new() } else { parent.to_string() };
    columns.optional(top, parent.as_bytes());
    columns.optional(top, span.trace_state());
    columns.count(top, span.row().flags);
    columns.word(top, resource.service());
    columns.text(top, span.name());
    columns.word(top, kind(span.kind()));
    time(columns, top, span.start());
    time(columns, top, span.end());
    // What lies further apart than 292 years is told by the times.
    columns.number(top, span.end().0.wrapping_sub(span.start().0).cast_signed());
    columns.word(top, status(span.status_code()));
    columns.optional(top, span.status_message());
    columns.attributes(top, span.attributes());
    columns.count(top, span.row().dropped_attributes_count);
    columns.list(top, EVENT_LEAVES, span.events(), event);
    columns.count(top, span.row().dropped_events_count);
    columns.list(top, LINK_LEAVES, span.links(), link);
    columns.count(top, span.row().dropped_links_count);
    columns.attributes(top, resource.attributes());
    columns.count(top, resource.row().dropped_attributes_count);
    columns.optional(top, resource.schema_url());
    columns.optional(top, scope.name());
    columns.optional(top, scope.version());
    columns.attributes(top, scope.attributes());
    columns.count(top, scope.row().dropped_attributes_count);
    columns.optional(top, scope.schema_url());
    let known = [span.residual(), resource.residual(), scope.residual()];
    let is_whole = columns.are_exact() && known.iter().all(|residual| residual.is_empty());
    let otlp = match is_whole {
        true => Vec::new(),
        false => {
            let mut alone = BatchBuilder::new();
            alone.append([span])?;
            wire::otlp::encode_proto(&alone.finish())
        }
    };
    columns.bytes_or_none(top, &otlp);
    columns.end_row();
    Ok(())
}

fn event(columns: &mut Columns, place: Place, event: EventRef<'_>) {
    time(columns, place, event.time());
    columns.text(place, event.name());
    columns.attributes(place, event.attributes());
    columns.count(place, event.row().dropped_attributes_count);
    columns.also_exact(event.residual().is_empty());
}

fn link(columns: &mut Columns, place: Place, link: LinkRef<'_>) {
    columns.word(place, &link.trace_id().to_string());
    columns.word(place, &link.span_id().to_string());
    columns.optional(place, link.trace_state());
    columns.count(place, link.row().flags);
    columns.attributes(place, link.attributes());
    columns.count(place, link.row().dropped_attributes_count);
    columns.also_exact(link.residual().is_empty());
}

/// A time after the year 2262 does not fit.
fn time(columns: &mut Columns, place: Place, time: UnixNanos) {
    let fitting = i64::try_from(time.0);
    columns.also_exact(fitting.is_ok());
    columns.number(place, fitting.unwrap_or(i64::MAX));
}

const fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "unspecified",
        said => said.word(),
    }
}

const fn status(code: StatusCode) -> &'static str {
    match code {
        StatusCode::Unset => "unset",
        StatusCode::Ok => "ok",
        StatusCode::Error => "error",
    }
}

/// Returns what the disk said, where it was the disk.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(inner) => io::Error::other(inner),
        },
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests;
