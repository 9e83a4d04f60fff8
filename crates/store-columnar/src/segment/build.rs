//! From the head's rows to a segment file, front to back, a group at a time.
//!
//! 1. Order all rows ([`super::order`]), 2. choose columns, shapes and the dictionary
//!    ([`super::plan`]), 3. code each group, 4. write the tables, 5. write the footer. The same rows
//!    give the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use span::{SpanKind, TraceId, naming};

use super::filter::{id_entry, put_filter};
use super::group_build::GroupBuilder;
use super::ids::put_ids;
use super::layout::{Footer, HEAD_LEN, MAGIC, Owner, Place, Sizes, TABLES, TAIL_LEN, Table as Name, VERSION};
use super::listing::put_listing;
use super::order::Order;
use super::pages::put_pages;
use super::plan::Plan;
use super::run_filters::RunFiltersBuilder;
use crate::column::block::Packer;
use crate::column::bytes::{put_text, put_varint};
use crate::part::{Bounds, Part as _};
use crate::rows::RowsSnapshot;
use crate::rows::read::service;
use crate::rows::table::{Origin, Table};
use crate::value_kind::ValueKind;

/// What was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Built {
    /// How much it holds and when that was.
    pub(crate) bounds: Bounds,
    /// The length of the file, in bytes.
    pub(crate) len: u64,
}

/// Writes a segment with all rows of a snapshot, divided as `sizes` say.
pub(super) fn build(snapshot: &RowsSnapshot, sizes: &Sizes, out: &mut dyn Write) -> io::Result<Built> {
    let (table, watermark) = snapshot.table();
    let order = Order::of(&table, watermark, sizes);
    let plan = Plan::of(&table, &order, sizes);
    let used = Used::of(&table, &order);
    let mut file = File::begin(out)?;
    let mut builder = GroupBuilder::new(&table, &order, &plan, &used.resource_numbers, &used.scope_numbers);
    let mut groups = Vec::with_capacity(order.groups.len());
    for run in &order.groups {
        groups.push(builder.build(run, file.offset));
        file.write(&builder.out)?;
        builder.out.clear();
    }
    let mut operations = Operations::default();
    operations.count(&table, &order);
    let records = |used: &[u32], of: fn(&Table, u32) -> &Origin| -> Vec<Vec<u8>> {
        used.iter().map(|origin| origin_record(&table, of(&table, *origin))).collect()
    };
    let columns = plan.columns.iter().map(|column| {
        let key = table.texts.get(column.key);
        (column.owner, column.kind, key)
    });
    let contents = Contents {
        resources: records(&used.resources, |table, id| table.resources.get(id)),
        scopes: records(&used.scopes, |table, id| table.scopes.get(id)),
        shapes: plan.shapes.iter().map(|columns| shape_record(columns)).collect(),
        columns: columns_record(columns),
        operations,
        ids: index(&table, &order, 0),
        pairs: std::mem::take(&mut builder.pairs),
        // A rare value is found soon: a head has about a hundred groups.
        runs: RunFiltersBuilder::default(),
    };
    let overflowed = builder.overflowed;
    let texts = plan.dictionary.iter().map(|text| table.texts.get(*text));
    let dictionary = file.write_with(&mut |packer, out| {
        put_pages(packer, texts.clone(), out);
    })?;
    let tables = write_tables(&mut file, dictionary, contents)?;
    let footer = Footer { bounds: snapshot.bounds(), tables, groups, overflowed };
    write_footer(&mut file, &footer)?;
    Ok(Built { bounds: footer.bounds, len: file.offset })
}

/// What is written, and how far that is.
pub(super) struct File<'a> {
    out: &'a mut dyn Write,
    pub(super) offset: u64,
}

impl<'a> File<'a> {
    /// Begins a segment.
    pub(super) fn begin(out: &'a mut dyn Write) -> io::Result<Self> {
        let mut file = Self { out, offset: 0 };
        file.write(&head())?;
        Ok(file)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<Place> {
        let place = Place { offset: self.offset, len: bytes.len() as u32 };
        self.out.write_all(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(place)
    }

    fn write_with(&mut self, fill: &mut dyn FnMut(&mut Packer, &mut Vec<u8>)) -> io::Result<Place> {
        let mut out = Vec::new();
        fill(&mut Packer::new(), &mut out);
        self.write(&out)
    }
}

/// What the tables behind the groups say, the dictionary apart.
pub(super) struct Contents {
    pub(super) resources: Vec<Vec<u8>>,
    pub(super) scopes: Vec<Vec<u8>>,
    pub(super) shapes: Vec<Vec<u8>>,
    pub(super) columns: Vec<u8>,
    pub(super) operations: Operations,
    /// Each trace and the group it begins in.
    pub(super) ids: Vec<(TraceId, u32)>,
    /// Entries of the filter over keys and values.
    pub(super) pairs: Vec<u64>,
    /// The same by groups, where the segment is large.
    pub(super) runs: RunFiltersBuilder,
}

/// Spans by service, operation and kind.
#[derive(Default)]
pub(super) struct Operations(BTreeMap<String, BTreeMap<String, BTreeMap<SpanKind, u64>>>);

impl Operations {
    /// Counts the rows of an order.
    pub(super) fn count(&mut self, table: &Table, order: &Order) {
        let mut uses: hashbrown::HashMap<(u32, u32, SpanKind), u64, foldhash::fast::RandomState> =
            hashbrown::HashMap::default();
        for row in &order.rows {
            let line = &table.spans[*row as usize];
            *uses.entry((line.resource, line.name, line.kind)).or_default() += 1;
        }
        for ((resource, name, kind), count) in uses {
            let operation = naming::operation_of(table.texts.get(name));
            let of_service = entry(&mut self.0, service(table, resource));
            *entry(of_service, operation).entry(kind).or_default() += count;
        }
    }

    fn record(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let count: usize = self.0.values().flat_map(BTreeMap::values).map(BTreeMap::len).sum();
        put_varint(&mut out, count as u64);
        for (service, operations) in &self.0 {
            for (operation, kinds) in operations {
                for (kind, count) in kinds {
                    put_text(&mut out, service.as_bytes());
                    put_text(&mut out, operation.as_bytes());
                    out.push(*kind as u8);
                    put_varint(&mut out, *count);
                }
            }
        }
        out
    }
}

/// Returns what stands under a name; the name is copied only where it is new.
fn entry<'m, T: Default>(map: &'m mut BTreeMap<String, T>, name: &str) -> &'m mut T {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), T::default());
    }
    map.get_mut(name).expect("it was put there")
}

fn head() -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&VERSION.to_le_bytes());
    head.extend_from_slice(&crc32c::crc32c(&VERSION.to_le_bytes()).to_le_bytes());
    assert_eq!(head.len(), HEAD_LEN);
    head
}

pub(super) fn write_footer(file: &mut File<'_>, footer: &Footer) -> io::Result<()> {
    let (mut bytes, mut block) = (Vec::new(), Vec::new());
    footer.put(&mut bytes);
    let len = Packer::new().pack(&bytes, &mut block);
    let mut tail = file.offset.to_le_bytes().to_vec();
    tail.extend_from_slice(&len.to_le_bytes());
    tail.extend_from_slice(&crc32c::crc32c(&tail).to_le_bytes());
    tail.extend_from_slice(MAGIC);
    assert_eq!(tail.len(), TAIL_LEN);
    file.write(&block)?;
    file.write(&tail)?;
    Ok(())
}

/// Resources and scopes that the rows use, and their numbers on disk by first use.
struct Used {
    resources: Vec<u32>,
    resource_numbers: Vec<u32>,
    scopes: Vec<u32>,
    scope_numbers: Vec<u32>,
}

impl Used {
    fn of(table: &Table, order: &Order) -> Self {
        let mut used = Self {
            resources: Vec::new(),
            resource_numbers: vec![u32::MAX; table.resources.len()],
            scopes: Vec::new(),
            scope_numbers: vec![u32::MAX; table.scopes.len()],
        };
        for row in &order.rows {
            let line = &table.spans[*row as usize];
            let number = &mut used.resource_numbers[line.resource as usize];
            if *number == u32::MAX {
                *number = used.resources.len() as u32;
                used.resources.push(line.resource);
            }
            let number = &mut used.scope_numbers[line.scope as usize];
            if *number == u32::MAX {
                *number = used.scopes.len() as u32;
                used.scopes.push(line.scope);
            }
        }
        used
    }
}

/// Writes all tables but the dictionary.
pub(super) fn write_tables(
    file: &mut File<'_>,
    dictionary: Place,
    contents: Contents,
) -> io::Result<[Place; TABLES]> {
    let mut places = [Place::default(); TABLES];
    places[Name::Dictionary as usize] = dictionary;
    let Contents { resources, scopes, shapes, columns, operations, ids, pairs, runs } = contents;
    for (name, records) in [(Name::Resources, resources), (Name::Scopes, scopes), (Name::Shapes, shapes)] {
        places[name as usize] = file.write_with(&mut |packer, out| {
            put_pages(packer, records.iter().map(Vec::as_slice), out);
        })?;
    }
    for (name, record) in [(Name::Columns, columns), (Name::Operations, operations.record())] {
        places[name as usize] = file.write_with(&mut |packer, out| {
            packer.pack(&record, out);
        })?;
    }
    let mut entries: Vec<u64> = ids.iter().map(|(id, _)| id_entry(*id)).collect();
    let mut ids = Some(ids);
    places[Name::Ids as usize] = file.write_with(&mut |packer, out| {
        put_ids(packer, ids.take().unwrap_or_default(), out);
    })?;
    for (name, entries) in [(Name::IdFilter, &mut entries), (Name::PairFilter, &mut { pairs })] {
        places[name as usize] = file.write_with(&mut |packer, out| {
            put_filter(packer, std::mem::take(entries), out);
        })?;
    }
    let mut runs = Some(runs);
    places[Name::RunFilters as usize] = file.write_with(&mut |packer, out| {
        runs.take().unwrap_or_default().put(packer, out);
    })?;
    Ok(places)
}

/// Returns a resource or a scope as a record.
pub(super) fn origin_record(table: &Table, origin: &Origin) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, u64::from(origin.dropped_attributes_count));
    for text in [origin.name, origin.version, origin.schema_url, origin.residual] {
        put_text(&mut out, table.texts.get(text));
    }
    out.extend(listing_record(table, origin));
    out
}

/// Returns the attributes of a resource or a scope as a listing.
pub(super) fn listing_record(table: &Table, origin: &Origin) -> Vec<u8> {
    let mut out = Vec::new();
    let (fields, words) = table.fields(origin.attributes);
    let attributes = fields.iter().map(|f| (table.texts.get(f.key), f.value(&table.texts, words)));
    put_listing(attributes, &mut out);
    out
}

pub(super) fn shape_record(columns: &[u32]) -> Vec<u8> {
    let mut out = Vec::new();
    columns.iter().for_each(|column| put_varint(&mut out, u64::from(*column)));
    out
}

/// Returns the owner, kind and key of each column.
pub(super) fn columns_record<'a>(
    columns: impl ExactSizeIterator<Item = (Owner, ValueKind, &'a [u8])>,
) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, columns.len() as u64);
    for (owner, kind, key) in columns {
        out.extend([owner as u8, kind as u8]);
        put_text(&mut out, key);
    }
    out
}

/// Returns each trace and the group it begins in; the first group of the order is number `group_first`.
pub(super) fn index(table: &Table, order: &Order, group_first: u32) -> Vec<(TraceId, u32)> {
    let mut ids = Vec::with_capacity(order.traces.len());
    for (group, run) in order.groups.iter().enumerate().filter(|(_, run)| !run.continues) {
        let traces = &order.traces[run.trace_first..run.trace_first + run.trace_count];
        let group = group_first + group as u32;
        ids.extend(traces.iter().map(|trace| (table.traces[trace.trace as usize].id, group)));
    }
    ids
}
