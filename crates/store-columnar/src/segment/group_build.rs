//! One row group being built: its rows are gathered into columns, and each column is coded.

use span::{TraceId, UnixNanos, ValueRef};

use super::filter::{key_entry, pair_entry};
use super::layout::{
    GroupLine, Owner, PARENT_ABSENT, PARENT_EARLIER, PARENT_NEAR, PARENT_NONE, SHAPE_OVERFLOW, fixed,
    put_directory,
};
use super::listing::put_listing;
use super::order::{GroupRun, Order, TraceRun};
use super::plan::{NO_NUMBER, Plan};
use crate::column::Extent;
use crate::column::block::Packer;
use crate::column::bytes::zigzag;
use crate::column::ints::{Nature, put_ints, sortable};
use crate::column::texts::put_texts;
use crate::rows::interner::TextId;
use crate::rows::table::{Attributes, Extra, SpanLine, Table};
use crate::value_kind::ValueKind;

/// Builds groups, one after the other.
pub(super) struct GroupBuilder<'a> {
    table: &'a Table,
    order: &'a Order,
    plan: &'a Plan,
    /// Numbers of the head's resources and scopes on disk.
    resources: &'a [u32],
    scopes: &'a [u32],
    pub(super) packer: Packer,
    /// The group's bytes.
    pub(super) out: Vec<u8>,
    columns: Vec<(u32, Extent)>,
    /// By attribute column: the group's values.
    values: Vec<Values>,
    /// Entries of the filter over keys and values, of all groups.
    pub(super) pairs: Vec<u64>,
    key_entries: Vec<u64>,
    pub(super) overflowed: u64,
    codes: Codes,
}

/// Returns a number of a row.
type NumberOf<'a> = fn(&GroupBuilder<'a>, &SpanLine, Extra) -> u32;
/// Returns a text of a row.
type TextOf = fn(&Extra) -> TextId;

#[derive(Debug)]
enum Values {
    Texts(Vec<TextId>),
    Bits(Vec<u64>),
}

/// Codes of texts within a column, without hashing: by text, the column that saw it last.
struct Codes {
    seen: Vec<u32>,
    codes: Vec<u32>,
    column: u32,
}

impl<'a> GroupBuilder<'a> {
    pub(super) fn new(
        table: &'a Table,
        order: &'a Order,
        plan: &'a Plan,
        resources: &'a [u32],
        scopes: &'a [u32],
    ) -> Self {
        let values = plan.columns.iter().map(|column| match column.kind.is_text() {
            true => Values::Texts(Vec::new()),
            false => Values::Bits(Vec::new()),
        });
        Self {
            table,
            order,
            plan,
            resources,
            scopes,
            packer: Packer::new(),
            out: Vec::new(),
            columns: Vec::new(),
            values: values.collect(),
            pairs: Vec::new(),
            key_entries: plan.columns.iter().map(|column| key_entry(table.texts.get(column.key))).collect(),
            overflowed: 0,
            codes: Codes { seen: vec![0; table.texts.len()], codes: vec![0; table.texts.len()], column: 0 },
        }
    }

    /// Builds a group into `out`, which the caller writes and clears, and tells what the footer says.
    pub(super) fn build(&mut self, run: &GroupRun, offset: u64) -> GroupLine {
        self.columns.clear();
        let order = self.order;
        let traces = &order.traces[run.trace_first..run.trace_first + run.trace_count];
        let lines: Vec<&SpanLine> = order.rows[run.first..run.first + run.count]
            .iter()
            .map(|row| &self.table.spans[*row as usize])
            .collect();
        self.put_traces(run, traces);
        self.put_tree(run, traces, &lines);
        self.put_lines(&lines);
        self.put_attributes(
            Owner::Span,
            fixed::SHAPE,
            fixed::SPAN_OVERFLOW,
            lines.iter().map(|l| l.attributes),
        );
        self.put_nested(&lines);
        self.put_values();
        let columns_len = self.out.len() as u32;
        let mut directory = Vec::new();
        put_directory(&self.columns, &mut directory);
        let directory_len = self.packer.pack(&directory, &mut self.out);
        let starts = || lines.iter().map(|line| line.start);
        GroupLine {
            offset,
            columns_len,
            directory_len,
            rows: run.count as u32,
            traces: run.trace_count as u32,
            continues: run.continues,
            start_min: starts().min().unwrap_or(UnixNanos::MAX),
            start_max: starts().max().unwrap_or(UnixNanos::MIN),
        }
    }

    fn put_traces(&mut self, run: &GroupRun, traces: &[TraceRun]) {
        let id = |trace: &TraceRun| self.table.traces[trace.trace as usize].id;
        let ids: Vec<TraceId> = traces.iter().map(id).collect();
        self.raw(fixed::TRACE_ID, ids.len(), ids.iter().flat_map(|id| id.to_bytes()).collect());
        let pieces = traces.iter().map(|trace| trace.count.min(run.count) as u64);
        self.ints(fixed::TRACE_ROWS, pieces.collect(), Nature::Unsigned);
        self.ints(fixed::TRACE_START, traces.iter().map(|trace| trace.start.0).collect(), Nature::Size);
    }

    /// Puts ids, parents and times. A start is told from where it is expected: behind the sibling before
    /// it, at the parent's start, or at the trace's start.
    fn put_tree(&mut self, run: &GroupRun, traces: &[TraceRun], lines: &[&SpanLine]) {
        let (mut parents, mut parent_ids, mut starts) = (Vec::new(), Vec::new(), Vec::new());
        let mut expected: Vec<UnixNanos> = Vec::with_capacity(lines.len());
        let mut trace = traces.iter();
        let mut trace_end = run.first;
        let mut trace_start = UnixNanos::MIN;
        for (at, line) in lines.iter().enumerate() {
            while trace_end <= run.first + at {
                let next = trace.next().expect("every row of a group is of one of its traces");
                (trace_end, trace_start) = (next.first + next.count, next.start);
            }
            let distance = self.order.parents[run.first + at] as usize;
            let mut base = trace_start;
            parents.push(match distance {
                0 if line.parent_span_id.is_none() => PARENT_NONE,
                0 => PARENT_ABSENT,
                _ if at < distance => PARENT_EARLIER,
                _ => {
                    base = std::mem::replace(&mut expected[at - distance], line.end.max(line.start));
                    PARENT_NEAR + distance as u64
                }
            });
            if matches!(parents[at], PARENT_ABSENT | PARENT_EARLIER) {
                parent_ids.extend_from_slice(&line.parent_span_id.to_bytes());
            }
            starts.push(zigzag(line.start.0.wrapping_sub(base.0) as i64));
            expected.push(line.start);
        }
        self.raw(
            fixed::SPAN_ID,
            lines.len(),
            lines.iter().flat_map(|line| line.span_id.to_bytes()).collect(),
        );
        self.ints(fixed::PARENT, parents, Nature::Unsigned);
        self.raw(fixed::PARENT_ID, parent_ids.len() / 8, parent_ids);
        let descendants = &self.order.descendants[run.first..run.first + run.count];
        self.ints(
            fixed::DESCENDANTS,
            descendants.iter().map(|count| u64::from(*count)).collect(),
            Nature::Unsigned,
        );
        self.ints(fixed::START, starts, Nature::Size);
        let duration = |line: &&SpanLine| line.start.0.abs_diff(line.end.0);
        self.ints(fixed::DURATION, lines.iter().map(duration).collect(), Nature::Duration);
        let backwards = lines.iter().map(|line| u64::from(line.end < line.start));
        self.ints(fixed::BACKWARDS, backwards.collect(), Nature::Unsigned);
    }

    fn put_lines(&mut self, lines: &[&SpanLine]) {
        let numbers: [(u32, NumberOf<'a>); 9] = [
            (fixed::RESOURCE, |this, line, _| this.resources[line.resource as usize]),
            (fixed::SCOPE, |this, line, _| this.scopes[line.scope as usize]),
            (fixed::KIND, |_, line, _| line.kind as u32),
            (fixed::STATUS, |_, line, _| line.status_code as u32),
            (fixed::FLAGS, |_, _, extra| extra.flags),
            (fixed::DROPPED_ATTRIBUTES, |_, _, extra| extra.dropped_attributes_count),
            (fixed::DROPPED_EVENTS, |_, _, extra| extra.dropped_events_count),
            (fixed::DROPPED_LINKS, |_, _, extra| extra.dropped_links_count),
            (fixed::EVENT_COUNT, |this, line, _| this.table.events_of(line).len() as u32),
        ];
        let extras: Vec<Extra> = lines.iter().map(|line| self.table.extras.get(line.extra)).collect();
        for (column, number) in numbers {
            let all = lines.iter().zip(&extras).map(|(line, extra)| u64::from(number(self, line, *extra)));
            let all = all.collect();
            self.ints(column, all, Nature::Unsigned);
        }
        let links = lines.iter().map(|line| self.table.links_of(line).len() as u64).collect();
        self.ints(fixed::LINK_COUNT, links, Nature::Unsigned);
        self.texts(fixed::NAME, &lines.iter().map(|line| line.name).collect::<Vec<_>>());
        let texts: [(u32, TextOf); 3] = [
            (fixed::STATUS_MESSAGE, |extra| extra.status_message),
            (fixed::TRACE_STATE, |extra| extra.trace_state),
            (fixed::RESIDUAL, |extra| extra.residual),
        ];
        for (column, text) in texts {
            self.texts(column, &extras.iter().map(text).collect::<Vec<_>>());
        }
    }

    fn put_nested(&mut self, lines: &[&SpanLine]) {
        let table = self.table;
        let nested = || lines.iter().filter(|line| line.nested != 0);
        let events: Vec<_> =
            nested().flat_map(|line| table.events_of(line).iter().map(|event| (line.start, event))).collect();
        if !events.is_empty() {
            let time = |(start, event): &(UnixNanos, &crate::rows::table::EventLine)| {
                zigzag(event.time.0.wrapping_sub(start.0) as i64)
            };
            self.ints(fixed::EVENT_TIME, events.iter().map(time).collect(), Nature::Size);
            self.texts(fixed::EVENT_NAME, &events.iter().map(|(_, event)| event.name).collect::<Vec<_>>());
            let dropped = events.iter().map(|(_, event)| u64::from(event.dropped_attributes_count));
            self.ints(fixed::EVENT_DROPPED, dropped.collect(), Nature::Unsigned);
            self.texts(
                fixed::EVENT_RESIDUAL,
                &events.iter().map(|(_, event)| event.residual).collect::<Vec<_>>(),
            );
            let attributes = events.iter().map(|(_, event)| event.attributes);
            self.put_attributes(Owner::Event, fixed::EVENT_SHAPE, fixed::EVENT_OVERFLOW, attributes);
        }
        let links: Vec<_> = nested().flat_map(|line| table.links_of(line)).collect();
        if !links.is_empty() {
            let ids = links.iter().flat_map(|link| link.trace_id.to_bytes());
            self.raw(fixed::LINK_TRACE, links.len(), ids.collect());
            let ids = links.iter().flat_map(|link| link.span_id.to_bytes());
            self.raw(fixed::LINK_SPAN, links.len(), ids.collect());
            let flags = links.iter().map(|link| u64::from(link.flags));
            self.ints(fixed::LINK_FLAGS, flags.collect(), Nature::Unsigned);
            self.texts(fixed::LINK_STATE, &links.iter().map(|link| link.trace_state).collect::<Vec<_>>());
            let dropped = links.iter().map(|link| u64::from(link.dropped_attributes_count));
            self.ints(fixed::LINK_DROPPED, dropped.collect(), Nature::Unsigned);
            self.texts(fixed::LINK_RESIDUAL, &links.iter().map(|link| link.residual).collect::<Vec<_>>());
            let attributes = links.iter().map(|link| link.attributes);
            self.put_attributes(Owner::Link, fixed::LINK_SHAPE, fixed::LINK_OVERFLOW, attributes);
        }
    }

    /// Gathers the attributes of all owners of a sort, and puts their shapes.
    fn put_attributes(
        &mut self,
        owner: Owner,
        shape_column: u32,
        overflow_column: u32,
        all: impl Iterator<Item = Attributes>,
    ) {
        let (mut shapes, mut overflow) = (Vec::new(), Vec::new());
        for attributes in all {
            let list = self.plan.list(owner, attributes.shape);
            shapes.push(u64::from(list.shape));
            if list.shape == SHAPE_OVERFLOW {
                overflow.push(self.listing(attributes));
                continue;
            }
            let words = &self.table.words[attributes.words as usize..];
            for (column, field) in &list.fields {
                match &mut self.values[*column as usize] {
                    Values::Texts(texts) => texts.push(field.text(words)),
                    Values::Bits(bits) => bits.push(field.bits(words)),
                }
            }
        }
        self.ints(shape_column, shapes, Nature::Unsigned);
        if !overflow.is_empty() {
            self.overflowed += overflow.len() as u64;
            let codes: Vec<u32> = (0..overflow.len() as u32).collect();
            let own = overflow.iter().map(Vec::as_slice);
            let extent = put_texts(&mut self.packer, &codes, &[], own, &mut self.out);
            self.columns.push((overflow_column, extent));
        }
    }

    /// Writes attributes out one by one.
    fn listing(&mut self, attributes: Attributes) -> Vec<u8> {
        let (fields, words) = self.table.fields(attributes);
        let texts = &self.table.texts;
        let all = fields.iter().map(|field| (texts.get(field.key), field.value(texts, words)));
        let entries = all.clone().map(|(key, value)| pair_entry(key_entry(key), value));
        self.pairs.extend(entries);
        let mut out = Vec::new();
        put_listing(all, &mut out);
        out
    }

    /// Puts the attribute columns that were gathered.
    fn put_values(&mut self) {
        let mut values = std::mem::take(&mut self.values);
        for (at, values) in values.iter_mut().enumerate() {
            let (number, column) = (fixed::ATTRIBUTES + at as u32, self.plan.columns[at]);
            let key = self.key_entries[at];
            match values {
                Values::Texts(texts) if !texts.is_empty() => {
                    for text in self.texts(number, texts) {
                        let value = column.kind.of_text(self.table.texts.get(text));
                        self.pairs.push(pair_entry(key, value));
                    }
                    texts.clear();
                }
                Values::Bits(bits) if !bits.is_empty() => {
                    let mut before = None;
                    for bits in bits.iter().filter(|bits| before.replace(**bits) != Some(**bits)) {
                        self.pairs.push(pair_entry(key, value_of(column.kind, *bits)));
                    }
                    let nature = match column.kind {
                        ValueKind::Int => Nature::Signed,
                        ValueKind::Double => {
                            bits.iter_mut().for_each(|bits| *bits = sortable(*bits));
                            Nature::Double
                        }
                        _ => Nature::Unsigned,
                    };
                    // All of them zero is no reason to leave an attribute out: its count is needed.
                    let extent = put_ints(&mut self.packer, bits, nature, &mut self.out);
                    self.columns.push((number, extent));
                    bits.clear();
                }
                Values::Texts(_) | Values::Bits(_) => {}
            }
        }
        self.values = values;
    }

    /// Puts numbers, unless all are zero.
    fn ints(&mut self, column: u32, numbers: Vec<u64>, nature: Nature) {
        let extent = put_ints(&mut self.packer, &numbers, nature, &mut self.out);
        if (extent.least, extent.spread) != (0, 0) {
            self.columns.push((column, extent));
        }
    }

    /// Puts texts, unless a fixed column's are all empty, and returns the distinct ones.
    fn texts(&mut self, column: u32, texts: &[TextId]) -> Vec<TextId> {
        if column < fixed::ATTRIBUTES && texts.iter().all(|text| *text == 0) {
            return Vec::new();
        }
        let numbers = &self.plan.numbers;
        let distinct = self.codes.distinct(texts);
        let (mut shared, own): (Vec<TextId>, Vec<TextId>) =
            distinct.into_iter().partition(|text| numbers[*text as usize] != NO_NUMBER);
        shared.sort_unstable_by_key(|text| numbers[*text as usize]);
        for (code, text) in shared.iter().chain(&own).enumerate() {
            self.codes.codes[*text as usize] = code as u32;
        }
        let codes: Vec<u32> = texts.iter().map(|text| self.codes.codes[*text as usize]).collect();
        let shared_numbers: Vec<u32> = shared.iter().map(|text| numbers[*text as usize]).collect();
        let own_texts = own.iter().map(|text| self.table.texts.get(*text));
        let extent = put_texts(&mut self.packer, &codes, &shared_numbers, own_texts, &mut self.out);
        self.columns.push((column, extent));
        shared.extend(own);
        shared
    }

    /// Puts bytes of fixed width.
    fn raw(&mut self, column: u32, count: usize, bytes: Vec<u8>) {
        if count != 0 {
            let len = self.packer.pack(&bytes, &mut self.out);
            let extent = Extent { count: count as u32, lens: [len, 0], ..Extent::default() };
            self.columns.push((column, extent));
        }
    }
}

fn value_of(kind: ValueKind, bits: u64) -> ValueRef<'static> {
    kind.of_bits(bits)
}

impl Codes {
    /// Returns each text once, in the order of its first use.
    fn distinct(&mut self, texts: &[TextId]) -> Vec<TextId> {
        self.column += 1;
        let mut distinct = Vec::new();
        for text in texts {
            let seen = &mut self.seen[*text as usize];
            if *seen != self.column {
                *seen = self.column;
                distinct.push(*text);
            }
        }
        distinct
    }
}
