//! The head's spans: interned rows, append-only, readable while they grow.
//!
//! A writer pushes batches; a reader takes a [`RowsSnapshot`], which is the rows and a watermark, and
//! never sees a row above it. Both go through one lock, which either side holds for some
//! thousand rows at a time: a batch becomes visible in one step, because the watermark moves last.
//!
//! ```text
//! texts    every distinct run of bytes, once       shapes   key lists, as numbers
//! spans    72 bytes each: ids, times, numbers      words    attribute values, 4 or 8 bytes each
//! traces   id -> latest row -> row before it ..    events, links, resources, scopes, extras
//! ```
//!
//! Everything of a span comes back as it came: order and repeats of keys, kinds of values, unknown
//! fields. Deliberately absent: dropping repeated spans (their reader collapses them), and any order.

pub(crate) mod interner;
mod matches;
mod measure;
pub(crate) mod read;
pub(crate) mod shapes;
pub(crate) mod table;

use std::collections::BTreeSet;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use span::{BatchBuilder, SpanBatch, SpanRef, TraceId, UnixNanos};
use store::{Detail, Measure, NameTally, Operation, Search, StoreError, Tally, TracePrefix};

use crate::ahead::Helpers;
use crate::part::{Bounds, Matches, Part};

use self::table::{Attributes, Extra, NO_ROW, Nested, SpanLine, Table};

/// How many rows are handled under one hold of the lock: some milliseconds.
const ROWS_PER_HOLD: usize = 4096;

/// Interned rows. One writer at a time pushes; any number of readers take snapshots.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Held by the writer to append and by readers to copy out, [`ROWS_PER_HOLD`] rows at a time.
    table: RwLock<Table>,
    /// What readers may see. Held for a copy only.
    visible: RwLock<Visible>,
}

#[derive(Clone, Copy, Debug)]
struct Visible {
    rows: u32,
    bounds: Bounds,
    bytes: usize,
}

/// The rows up to a watermark.
#[derive(Clone, Debug)]
pub(crate) struct RowsSnapshot {
    rows: Arc<Rows>,
    /// Rows from here on do not exist for this reader.
    watermark: u32,
    bounds: Bounds,
}

impl Rows {
    pub(crate) fn new() -> Arc<Self> {
        let visible = Visible { rows: 0, bounds: Bounds::EMPTY, bytes: 0 };
        Arc::new(Self { table: RwLock::new(Table::new()), visible: RwLock::new(visible) })
    }

    /// Appends all spans of a batch that arrived at `received`, and then makes them visible at once.
    pub(crate) fn push(&self, batch: &SpanBatch, received: UnixNanos) {
        let mut intake = Intake::of(batch);
        let mut visible = *self.visible.read().expect("no code panics while it holds the watermark");
        for first in (0..batch.len()).step_by(ROWS_PER_HOLD) {
            let mut table = self.table.write().expect("no code panics while it holds the rows");
            if first == 0 {
                table.arrive(received);
            }
            for row in first..batch.len().min(first + ROWS_PER_HOLD) {
                let span = batch.span(row);
                intake.take(&mut table, span);
                visible.bounds.start_min = visible.bounds.start_min.min(span.start());
                visible.bounds.start_max = visible.bounds.start_max.max(span.start());
            }
            visible.rows = table.spans.len() as u32;
            visible.bounds.traces = table.traces.len() as u64;
            visible.bytes = table.bytes();
        }
        if !batch.is_empty() {
            visible.bounds.spans = u64::from(visible.rows);
            visible.bounds.received_min = visible.bounds.received_min.min(received);
            visible.bounds.received_max = visible.bounds.received_max.max(received);
        }
        *self.visible.write().expect("no code panics while it holds the watermark") = visible;
    }

    /// Returns what is visible now, for a reader or for a freeze.
    pub(crate) fn snapshot(self: &Arc<Self>) -> Arc<RowsSnapshot> {
        let visible = *self.visible.read().expect("no code panics while it holds the watermark");
        Arc::new(RowsSnapshot { rows: self.clone(), watermark: visible.rows, bounds: visible.bounds })
    }

    /// Returns the memory held, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.visible.read().expect("no code panics while it holds the watermark").bytes
    }

    /// Returns how many spans are visible.
    pub(crate) fn len(&self) -> usize {
        self.visible.read().expect("no code panics while it holds the watermark").rows as usize
    }

    fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().expect("no code panics while it holds the rows")
    }
}

impl RowsSnapshot {
    /// Returns the tables, and from which row on they do not count. A writer waits meanwhile.
    pub(crate) fn table(&self) -> (RwLockReadGuard<'_, Table>, u32) {
        (self.rows.table(), self.watermark)
    }
}

impl Part for RowsSnapshot {
    fn bounds(&self) -> Bounds {
        self.bounds
    }

    fn fragment_start(&self, id: TraceId) -> Result<Option<UnixNanos>, StoreError> {
        let table = self.rows.table();
        Ok(table.trace(id).and_then(|trace| read::fragment_start(&table, trace, self.watermark)))
    }

    fn fragment(&self, id: TraceId, _: Detail, into: &mut BatchBuilder) -> Result<bool, StoreError> {
        read::fragment(self, id, into)
    }

    fn ids_with_prefix(&self, prefix: TracePrefix, limit: usize) -> Result<Vec<TraceId>, StoreError> {
        let table = self.rows.table();
        let visible = read::visible_traces(&table, self.watermark);
        let within = |id: &TraceId| (prefix.first()..=prefix.last()).contains(id);
        let mut ids: Vec<TraceId> = visible.iter().map(|trace| trace.id).filter(within).collect();
        ids.sort_unstable();
        ids.truncate(limit);
        Ok(ids)
    }

    fn matches_with(self: Arc<Self>, search: &Search, _: &Arc<dyn Helpers>) -> Matches {
        Box::new(matches::RowsMatches::new(self, search))
    }

    fn slices(&self) -> usize {
        1
    }

    fn measure(
        &self,
        measure: &Measure,
        _: usize,
        tally: &mut Tally,
        _: &mut dyn FnMut(StoreError) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        measure::measure(self, measure, tally)
    }

    fn names(
        &self,
        search: &Search,
        _: usize,
        names: &mut NameTally,
        _: &mut dyn FnMut(StoreError) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        measure::names(self, search, names)
    }

    fn services(&self, into: &mut BTreeSet<String>) -> Result<(), StoreError> {
        read::services(self, into);
        Ok(())
    }

    fn operations(&self, service: &str, into: &mut BTreeSet<Operation>) -> Result<(), StoreError> {
        read::operations(self, service, into);
        Ok(())
    }
}

/// One batch on its way in: which of its resources and scopes are taken already.
#[derive(Debug)]
pub(crate) struct Intake {
    resources: Vec<Option<u32>>,
    scopes: Vec<Option<u32>>,
}

impl Intake {
    pub(crate) fn of(batch: &SpanBatch) -> Self {
        Self {
            resources: vec![None; batch.resource_rows().len()],
            scopes: vec![None; batch.scope_rows().len()],
        }
    }

    /// Appends a span of the batch.
    pub(crate) fn take(&mut self, table: &mut Table, span: SpanRef<'_>) {
        let row = span.row();
        table.texts.begin_row(table.spans.len() as u32);
        let resource = *self.resources[row.resource as usize]
            .get_or_insert_with(|| table.take_resource(span.resource()));
        let scope = *self.scopes[row.scope as usize].get_or_insert_with(|| table.take_scope(span.scope()));
        let words = table.words.len() as u32;
        let shape = table.shapes.take(&mut table.texts, span.attributes(), &mut table.words);
        let extra = Extra {
            flags: row.flags,
            status_message: table.texts.intern(span.status_message()),
            trace_state: table.texts.intern(span.trace_state()),
            dropped_attributes_count: row.dropped_attributes_count,
            dropped_events_count: row.dropped_events_count,
            dropped_links_count: row.dropped_links_count,
            residual: table.texts.intern(span.residual()),
        };
        let line = SpanLine {
            span_id: row.span_id,
            parent_span_id: row.parent_span_id,
            start: row.start,
            end: row.end,
            trace: 0,
            before: NO_ROW,
            resource,
            scope,
            name: table.texts.intern(span.name()),
            attributes: Attributes { shape, words },
            extra: table.extras.take(extra),
            nested: Self::take_nested(table, span),
            kind: row.kind,
            status_code: row.status_code,
        };
        table.push_span(row.trace_id, line);
    }

    fn take_nested(table: &mut Table, span: SpanRef<'_>) -> u32 {
        let row = span.row();
        if row.events.count == 0 && row.links.count == 0 {
            return 0;
        }
        let nested = Nested {
            event_first: table.events.len() as u32,
            event_count: row.events.count,
            link_first: table.links.len() as u32,
            link_count: row.links.count,
        };
        span.events().for_each(|event| table.push_event(event));
        span.links().for_each(|link| table.push_link(link));
        table.nested.push(nested);
        table.nested.len() as u32 - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specimen::{Dice, check_part, retell, tell, wild_batch};
    use span::{Tenant, Trace};

    fn fragment(part: &RowsSnapshot, id: TraceId) -> SpanBatch {
        let mut builder = BatchBuilder::new();
        assert_eq!(part.fragment(id, Detail::Whole, &mut builder).unwrap(), builder.span_count() != 0);
        builder.finish()
    }

    #[test]
    fn every_field_comes_back() {
        for seed in 0..100 {
            let mut dice = Dice::new(seed);
            let rows = Rows::new();
            let batches: Vec<SpanBatch> = (0..3).map(|_| wild_batch(&mut dice)).collect();
            batches.iter().for_each(|batch| rows.push(batch, UnixNanos(5)));
            let snapshot = rows.snapshot();
            let ids: BTreeSet<TraceId> =
                batches.iter().flat_map(|b| b.spans()).map(|s| s.trace_id()).collect();
            let read: Vec<SpanBatch> = ids.iter().map(|id| fragment(&snapshot, *id)).collect();
            assert_eq!(retell(&read), retell(&batches), "seed {seed}");
            assert_eq!(snapshot.bounds().traces, ids.len() as u64);
        }
    }

    #[test]
    fn the_head_answers_like_the_reference_engine() {
        for seed in 0..40 {
            let mut dice = Dice::new(seed);
            let rows = Rows::new();
            let batches: Vec<SpanBatch> = (0..1 + dice.below(4)).map(|_| wild_batch(&mut dice)).collect();
            batches.iter().for_each(|batch| rows.push(batch, UnixNanos(5)));
            let part: Arc<dyn Part> = rows.snapshot();
            check_part(&part, &batches, &mut dice);
        }
    }

    #[test]
    fn a_reader_sees_no_row_above_its_watermark() {
        let batch =
            |start| store::conformance::write(&store::conformance::one("cart", "GET", 1, start)).batch;
        let rows = Rows::new();
        rows.push(&batch(50), UnixNanos(1));
        let before = rows.snapshot();
        rows.push(&batch(10), UnixNanos(2));
        let other = store::conformance::write(&store::conformance::one("auth", "PUT", 2, 60)).batch;
        rows.push(&other, UnixNanos(3));
        let (first, second) = (TraceId::from_halves(0, 1), TraceId::from_halves(0, 2));
        assert_eq!(before.fragment_start(first).unwrap(), Some(UnixNanos(50)));
        assert_eq!(before.fragment_start(second).unwrap(), None);
        assert_eq!(fragment(&before, first).len(), 1);
        let part: Arc<dyn Part> = before.clone();
        assert_eq!(part.matches(&Search::all(Tenant::default())).count(), 1);
        let mut services = BTreeSet::new();
        before.services(&mut services).unwrap();
        assert_eq!(services, BTreeSet::from(["cart".to_owned()]));
        let bounds = rows.snapshot().bounds();
        assert_eq!((bounds.spans, bounds.traces), (3, 2));
        assert_eq!((bounds.start_min, bounds.start_max), (UnixNanos(10), UnixNanos(60)));
        assert_eq!((bounds.received_min, bounds.received_max), (UnixNanos(1), UnixNanos(3)));
        assert_eq!(rows.snapshot().fragment_start(first).unwrap(), Some(UnixNanos(10)));
    }

    #[test]
    fn told_spans_differ_when_anything_differs() {
        let mut dice = Dice::new(1);
        let (one, two) = (wild_batch(&mut dice), wild_batch(&mut dice));
        assert_ne!(tell(one.span(0)), tell(two.span(0)));
        assert!(Trace::assemble(one.span(0).trace_id(), one.spans()).unwrap().is_some());
    }
}
