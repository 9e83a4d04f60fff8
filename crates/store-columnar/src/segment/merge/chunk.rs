//! The output of a merge: spans are gathered until there are enough for some groups, then these are written.

use std::hash::BuildHasher as _;
use std::io;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use span::{SpanBatch, TraceId, UnixNanos};

use crate::part::Bounds;
use crate::rows::Intake;
use crate::rows::table::{SpanLine, Table};
use crate::segment::build::{
    Built, Contents, File, Operations, columns_record, index, listing_record, origin_record, shape_record,
    write_footer, write_tables,
};
use crate::segment::group_build::GroupBuilder;
use crate::segment::layout::{Footer, GroupLine, Place, Sizes};
use crate::segment::order::{Order, Piece, Repeats};
use crate::segment::plan::{Catalog, NO_NUMBER, Plan};
use crate::segment::run_filters::RunFiltersBuilder;

/// How many spans of one trace in pieces are remembered, to know repeats. Those of a larger trace may stay
/// until they are read.
const SEEN_MAX: usize = 4 << 20;
/// Entries are made distinct each time so many are new, or twice as many as were known.
const PAIRS_NEW_MAX: usize = 1 << 20;

/// Writes groups, a chunk at a time.
pub(super) struct Chunks<'a> {
    file: File<'a>,
    sizes: Sizes,
    /// Counts chunks.
    number: u64,
    /// The chunk at hand.
    table: Table,
    /// By text of the table: its number in the dictionary.
    numbers: Vec<u32>,
    /// Rows of the group that would be open, were the chunk written now.
    open_rows: usize,
    catalog: Catalog,
    resources: Records,
    scopes: Records,
    /// Resources that agree: same attributes, whatever else.
    resource_classes: Records,
    operations: Operations,
    ids: Vec<(TraceId, u32)>,
    pairs: Vec<u64>,
    pairs_distinct: usize,
    runs: RunFiltersBuilder,
    groups: Vec<GroupLine>,
    overflowed: u64,
    spans: u64,
    /// Spans of the trace in pieces, by two hashes of what makes a span itself.
    seen: HashSet<[u64; 2], RandomState>,
    hashers: [RandomState; 2],
}

/// Records by first use.
#[derive(Default)]
struct Records {
    all: Vec<Vec<u8>>,
    numbers: HashMap<Vec<u8>, u32, RandomState>,
}

impl Records {
    fn number(&mut self, record: Vec<u8>) -> u32 {
        let fresh = self.all.len() as u32;
        *self.numbers.entry(record).or_insert_with_key(|record| {
            self.all.push(record.clone());
            fresh
        })
    }
}

impl<'a> Chunks<'a> {
    pub(super) fn new(file: File<'a>, sizes: &Sizes) -> Self {
        Self {
            file,
            sizes: *sizes,
            number: 0,
            table: Table::new(),
            numbers: Vec::new(),
            open_rows: 0,
            catalog: Catalog::default(),
            resources: Records::default(),
            scopes: Records::default(),
            resource_classes: Records::default(),
            operations: Operations::default(),
            ids: Vec::new(),
            pairs: Vec::new(),
            pairs_distinct: 0,
            runs: RunFiltersBuilder::default(),
            groups: Vec::new(),
            overflowed: 0,
            spans: 0,
            seen: HashSet::default(),
            hashers: [RandomState::default(), RandomState::default()],
        }
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    pub(super) const fn file(&mut self) -> &mut File<'a> {
        &mut self.file
    }

    /// Tells whether a trace of so many rows should go to this chunk; an empty one must do.
    pub(super) fn has_room_for(&self, rows: usize) -> bool {
        let all = self.table.spans.len() + rows;
        self.table.spans.is_empty() || (all <= self.sizes.chunk_rows && !self.is_full())
    }

    /// Tells whether the chunk takes no more.
    pub(super) fn is_full(&self) -> bool {
        let rows = self.table.spans.len();
        self.sizes.chunk_rows <= rows || (rows != 0 && self.sizes.chunk_bytes <= self.table.bytes())
    }

    /// Adds a span of a group. `intake` is what chunks have of the group's resources and scopes.
    pub(super) fn push(&mut self, batch: &SpanBatch, intake: &mut Option<(u64, Intake)>, row: usize) {
        let (chunk, intake) = intake.get_or_insert_with(|| (self.number, Intake::of(batch)));
        if *chunk != self.number {
            (*chunk, *intake) = (self.number, Intake::of(batch));
        }
        intake.take(&mut self.table, batch.span(row));
    }

    /// Says which number a text has in the dictionary, if the chunk has it.
    pub(super) fn number_text(&mut self, text: &[u8], number: u32) {
        let Some(id) = self.table.texts.find(text) else { return };
        if self.numbers.len() <= id as usize {
            self.numbers.resize(self.table.texts.len(), NO_NUMBER);
        }
        self.numbers[id as usize] = number;
    }

    /// Notes that a trace is whole; tells whether this is a good place to write the chunk: half full, and
    /// no group open.
    pub(super) fn end_trace(&mut self, rows: usize) -> bool {
        let trace_rows_max = self.sizes.trace_rows_max();
        self.open_rows = match self.open_rows + rows {
            _ if trace_rows_max < rows => 0,
            all if trace_rows_max < all => rows,
            all => all,
        };
        if self.sizes.group_rows <= self.open_rows {
            self.open_rows = 0;
        }
        self.open_rows == 0 && self.sizes.chunk_rows / 2 <= self.table.spans.len()
    }

    /// Notes that the last piece of a trace is written.
    pub(super) fn end_pieces(&mut self) {
        self.seen = HashSet::default();
    }

    /// Writes the chunk, whose last trace may be a piece: its start, and whether pieces came before.
    pub(super) fn flush(&mut self, piece: Option<(UnixNanos, bool)>) -> io::Result<()> {
        let mut table = std::mem::replace(&mut self.table, Table::new());
        let numbers = std::mem::take(&mut self.numbers);
        (self.number, self.open_rows) = (self.number + 1, 0);
        let of_table = 0..table.resources.len() as u32;
        let origins: Vec<_> = of_table.map(|id| *table.resources.get(id)).collect();
        let classes = origins.iter().map(|origin| listing_record(&table, origin));
        let classes: Vec<u32> = classes.map(|record| self.resource_classes.number(record)).collect();
        let order = self.order(&table, &classes, piece);
        let resources = origins.iter().map(|origin| origin_record(&table, origin));
        let resources: Vec<u32> = resources.map(|record| self.resources.number(record)).collect();
        let scopes = (0..table.scopes.len() as u32).map(|id| origin_record(&table, table.scopes.get(id)));
        let scopes: Vec<u32> = scopes.map(|record| self.scopes.number(record)).collect();
        self.operations.count(&table, &order);
        self.ids.extend(index(&table, &order, self.groups.len() as u32));
        self.spans += order.rows.len() as u64;
        let plan = Plan::within(&mut table, &order, &self.sizes, &mut self.catalog, numbers);
        let mut builder = GroupBuilder::new(&table, &order, &plan, &resources, &scopes);
        let mut pairs_before = 0;
        for run in &order.groups {
            self.groups.push(builder.build(run, self.file.offset));
            self.runs.group(&builder.pairs[pairs_before..]);
            pairs_before = builder.pairs.len();
            self.file.write(&builder.out)?;
            builder.out.clear();
        }
        self.overflowed += builder.overflowed;
        self.pairs.append(&mut builder.pairs);
        if PAIRS_NEW_MAX.max(self.pairs_distinct) < self.pairs.len() - self.pairs_distinct {
            self.pairs.sort_unstable();
            self.pairs.dedup();
            self.pairs_distinct = self.pairs.len();
        }
        Ok(())
    }

    /// Writes what stands behind the groups.
    pub(super) fn finish(mut self, dictionary: Place, bounds: Bounds) -> io::Result<Built> {
        let columns = self.catalog.columns.iter().map(|(owner, kind, key)| (*owner, *kind, &**key));
        let bounds = Bounds { spans: self.spans, traces: self.ids.len() as u64, ..bounds };
        let contents = Contents {
            columns: columns_record(columns),
            resources: self.resources.all,
            scopes: self.scopes.all,
            shapes: self.catalog.shapes.iter().map(|columns| shape_record(columns)).collect(),
            operations: self.operations,
            ids: self.ids,
            pairs: self.pairs,
            runs: self.runs,
        };
        let tables = write_tables(&mut self.file, dictionary, contents)?;
        let footer = Footer { bounds, tables, groups: self.groups, overflowed: self.overflowed };
        write_footer(&mut self.file, &footer)?;
        Ok(Built { bounds, len: self.file.offset })
    }

    fn order(&mut self, table: &Table, classes: &[u32], piece: Option<(UnixNanos, bool)>) -> Order {
        let (seen, hashers) = (&mut self.seen, &self.hashers);
        let mut is_new = |line: &SpanLine| {
            let (name, resource) = (table.texts.get(line.name), classes[line.resource as usize]);
            let identity = (line.span_id, line.kind, line.start, name, resource);
            SEEN_MAX <= seen.len() || seen.insert([0, 1].map(|at: usize| hashers[at].hash_one(identity)))
        };
        let piece = piece.map(|(start, continues)| Piece { start, continues, is_new: &mut is_new });
        Order::merged(table, &self.sizes, Repeats { resources: classes, piece })
    }
}
