//! From rows back to spans.

use std::collections::BTreeSet;
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use span::{
    BatchBuilder, BatchFull, EventRow, LinkRow, ResourceRow, Rows as Run, ScopeRow, SpanKind, SpanRow, Text,
    TraceId, UnixNanos, Value, ValueRef, naming,
};
use store::{Operation, StoreError};

use super::interner::TextId;
use super::table::{Attributes, NO_ROW, Nested, SpanLine, Table, TraceLine};
use super::{ROWS_PER_HOLD, RowsSnapshot};

/// Returns the traces with at least one row below the watermark.
pub(crate) fn visible_traces(table: &Table, watermark: u32) -> &[TraceLine] {
    let count = table.traces.partition_point(|trace| trace.row_first < watermark);
    &table.traces[..count]
}

/// Returns the earliest start of a trace's rows below the watermark; `None` where it has none.
pub(super) fn fragment_start(table: &Table, trace: u32, watermark: u32) -> Option<UnixNanos> {
    let line = &table.traces[trace as usize];
    if watermark <= line.row_first {
        return None;
    }
    if line.row_last < watermark {
        return Some(line.start);
    }
    rows_of(table, trace, watermark).map(|row| table.spans[row as usize].start).min()
}

/// Visits a trace's rows below the watermark, the latest first.
pub(super) fn rows_of(table: &Table, trace: u32, watermark: u32) -> impl Iterator<Item = u32> {
    chain(table, table.traces[trace as usize].row_last).filter(move |row| *row < watermark)
}

fn chain(table: &Table, row: u32) -> impl Iterator<Item = u32> {
    let next = |row: &u32| Some(table.spans[*row as usize].before).filter(|before| *before != NO_ROW);
    std::iter::successors(Some(row).filter(|row| *row != NO_ROW), next)
}

/// Appends all spans of a trace, in order of arrival; tells whether there were any.
pub(super) fn fragment(
    snapshot: &RowsSnapshot,
    id: TraceId,
    into: &mut BatchBuilder,
) -> Result<bool, StoreError> {
    let mut rows = Vec::new();
    {
        let (table, watermark) = snapshot.table();
        let Some(trace) = table.trace(id) else { return Ok(false) };
        rows.extend(rows_of(&table, trace, watermark));
    }
    rows.reverse();
    let mut copy =
        Copy { into, resources: HashMap::default(), scopes: HashMap::default(), texts: HashMap::default() };
    for rows in rows.chunks(ROWS_PER_HOLD) {
        if !copy.into.has_room() {
            return Err(BatchFull.into());
        }
        let (table, _) = snapshot.table();
        for row in rows {
            copy.span(&table, id, &table.spans[*row as usize])?;
        }
    }
    Ok(!rows.is_empty())
}

/// Adds the services of all visible rows.
pub(super) fn services(snapshot: &RowsSnapshot, into: &mut BTreeSet<String>) {
    let mut seen: HashSet<u32, RandomState> = HashSet::default();
    each_hold(snapshot, |table, rows| {
        for line in &table.spans[rows] {
            if seen.insert(line.resource) {
                into.insert(service(table, line.resource).to_owned());
            }
        }
    });
}

/// Adds the operations of one service over all visible rows.
pub(super) fn operations(snapshot: &RowsSnapshot, wanted: &str, into: &mut BTreeSet<Operation>) {
    let mut of_service: HashMap<u32, bool, RandomState> = HashMap::default();
    let mut seen: HashSet<(TextId, SpanKind), RandomState> = HashSet::default();
    each_hold(snapshot, |table, rows| {
        for line in &table.spans[rows] {
            let of_service =
                *of_service.entry(line.resource).or_insert_with(|| service(table, line.resource) == wanted);
            if of_service && seen.insert((line.name, line.kind)) {
                let name = naming::operation_of(table.texts.get(line.name)).to_owned();
                into.insert(Operation { name, kind: line.kind });
            }
        }
    });
}

fn each_hold(snapshot: &RowsSnapshot, mut look: impl FnMut(&Table, Range<usize>)) {
    let count = snapshot.watermark as usize;
    for first in (0..count).step_by(ROWS_PER_HOLD) {
        look(&snapshot.rows.table(), first..count.min(first + ROWS_PER_HOLD));
    }
}

/// Returns the service of a resource, as [`span::ResourceRef::service`] has it.
pub(crate) fn service(table: &Table, resource: u32) -> &str {
    let (fields, words) = table.fields(table.resources.get(resource).attributes);
    let named = fields.iter().rev().find(|field| table.texts.get(field.key) == b"service.name");
    naming::service_of(named.map(|field| field.value(&table.texts, words)))
}

/// Copies rows into a batch, each resource, scope and repeated text once.
struct Copy<'a> {
    into: &'a mut BatchBuilder,
    resources: HashMap<u32, u32, RandomState>,
    scopes: HashMap<u32, u32, RandomState>,
    texts: HashMap<TextId, Text, RandomState>,
}

impl Copy<'_> {
    fn span(&mut self, table: &Table, trace_id: TraceId, line: &SpanLine) -> Result<(), BatchFull> {
        let resource = self.resource(table, line.resource)?;
        let scope = self.scope(table, line.scope)?;
        let attributes = self.attributes(table, line.attributes)?;
        let (events, links) = self.nested(table, table.nested[line.nested as usize])?;
        let extra = table.extras.get(line.extra);
        let row = SpanRow {
            trace_id,
            span_id: line.span_id,
            parent_span_id: line.parent_span_id,
            start: line.start,
            end: line.end,
            resource,
            scope,
            name: self.text(table, line.name)?,
            kind: line.kind,
            status_code: line.status_code,
            status_message: self.text(table, extra.status_message)?,
            flags: extra.flags,
            trace_state: self.text(table, extra.trace_state)?,
            attributes,
            events,
            links,
            dropped_attributes_count: extra.dropped_attributes_count,
            dropped_events_count: extra.dropped_events_count,
            dropped_links_count: extra.dropped_links_count,
            residual: self.text(table, extra.residual)?,
        };
        self.into.span(row);
        Ok(())
    }

    fn nested(&mut self, table: &Table, nested: Nested) -> Result<(Run, Run), BatchFull> {
        let mark = self.into.mark();
        let first = nested.event_first as usize;
        for line in &table.events[first..first + nested.event_count as usize] {
            let event = EventRow {
                time: line.time,
                name: self.text(table, line.name)?,
                attributes: self.attributes(table, line.attributes)?,
                dropped_attributes_count: line.dropped_attributes_count,
                residual: self.text(table, line.residual)?,
            };
            self.into.event(event);
        }
        let first = nested.link_first as usize;
        for line in &table.links[first..first + nested.link_count as usize] {
            let link = LinkRow {
                trace_id: line.trace_id,
                span_id: line.span_id,
                flags: line.flags,
                trace_state: self.text(table, line.trace_state)?,
                attributes: self.attributes(table, line.attributes)?,
                dropped_attributes_count: line.dropped_attributes_count,
                residual: self.text(table, line.residual)?,
            };
            self.into.link(link);
        }
        Ok((self.into.events_since(mark), self.into.links_since(mark)))
    }

    fn resource(&mut self, table: &Table, id: u32) -> Result<u32, BatchFull> {
        if let Some(index) = self.resources.get(&id) {
            return Ok(*index);
        }
        let line = table.resources.get(id);
        let row = ResourceRow {
            attributes: self.attributes(table, line.attributes)?,
            dropped_attributes_count: line.dropped_attributes_count,
            schema_url: self.text(table, line.schema_url)?,
            residual: self.text(table, line.residual)?,
        };
        let index = self.into.resource(row);
        self.resources.insert(id, index);
        Ok(index)
    }

    fn scope(&mut self, table: &Table, id: u32) -> Result<u32, BatchFull> {
        if let Some(index) = self.scopes.get(&id) {
            return Ok(*index);
        }
        let line = table.scopes.get(id);
        let row = ScopeRow {
            name: self.text(table, line.name)?,
            version: self.text(table, line.version)?,
            attributes: self.attributes(table, line.attributes)?,
            dropped_attributes_count: line.dropped_attributes_count,
            schema_url: self.text(table, line.schema_url)?,
            residual: self.text(table, line.residual)?,
        };
        let index = self.into.scope(row);
        self.scopes.insert(id, index);
        Ok(index)
    }

    fn attributes(&mut self, table: &Table, attributes: Attributes) -> Result<Run, BatchFull> {
        let (fields, words) = table.fields(attributes);
        let mark = self.into.mark();
        for field in fields {
            let key = self.text(table, field.key)?;
            let value = if field.kind.is_text() {
                let text = self.text(table, field.text(words))?;
                match field.value(&table.texts, words) {
                    ValueRef::Bytes(_) => Value::Bytes(text),
                    ValueRef::Array(_) => Value::Array(text),
                    ValueRef::Map(_) => Value::Map(text),
                    _ => Value::Str(text),
                }
            } else {
                self.into.value(field.value(&table.texts, words))?
            };
            self.into.attribute(key, value);
        }
        Ok(self.into.since(mark))
    }

    fn text(&mut self, table: &Table, id: TextId) -> Result<Text, BatchFull> {
        if let Some(text) = self.texts.get(&id) {
            return Ok(*text);
        }
        let text = self.into.text(table.texts.get(id))?;
        self.texts.insert(id, text);
        Ok(text)
    }
}
