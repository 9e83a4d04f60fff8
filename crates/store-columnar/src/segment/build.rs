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
use super::layout::{Footer, HEAD_LEN, MAGIC, Place, Sizes, TABLES, TAIL_LEN, Table as Name, VERSION};
use super::listing::put_listing;
use super::order::Order;
use super::pages::put_pages;
use super::plan::Plan;
use crate::column::block::Packer;
use crate::column::bytes::{put_text, put_varint};
use crate::part::{Bounds, Part as _};
use crate::rows::RowsSnapshot;
use crate::rows::read::service;
use crate::rows::table::{Origin, Table};

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
    let mut file = File { out, offset: 0 };
    file.write(&head())?;
    let mut builder = GroupBuilder::new(&table, &order, &plan, &used.resource_numbers, &used.scope_numbers);
    let mut groups = Vec::with_capacity(order.groups.len());
    for run in &order.groups {
        groups.push(builder.build(run, file.offset));
        file.write(&builder.out)?;
        builder.out.clear();
    }
    let (pairs, overflowed) = (std::mem::take(&mut builder.pairs), builder.overflowed);
    let tables = write_tables(&mut file, &table, &order, &plan, &used, pairs)?;
    let footer = Footer { bounds: snapshot.bounds(), tables, groups, overflowed };
    write_footer(&mut file, &footer)?;
    Ok(Built { bounds: footer.bounds, len: file.offset })
}

/// What is written, and how far that is.
struct File<'a> {
    out: &'a mut dyn Write,
    offset: u64,
}

impl File<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<Place> {
        let place = Place { offset: self.offset, len: bytes.len() as u32 };
        self.out.write_all(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(place)
    }
}

fn head() -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&VERSION.to_le_bytes());
    head.extend_from_slice(&crc32c::crc32c(&VERSION.to_le_bytes()).to_le_bytes());
    assert_eq!(head.len(), HEAD_LEN);
    head
}

fn write_footer(file: &mut File<'_>, footer: &Footer) -> io::Result<()> {
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

fn write_tables(
    file: &mut File<'_>,
    table: &Table,
    order: &Order,
    plan: &Plan,
    used: &Used,
    pairs: Vec<u64>,
) -> io::Result<[Place; TABLES]> {
    let mut packer = Packer::new();
    let mut places = [Place::default(); TABLES];
    let mut out = Vec::new();
    let mut write = |name: Name, fill: &mut dyn FnMut(&mut Packer, &mut Vec<u8>)| {
        out.clear();
        fill(&mut packer, &mut out);
        places[name as usize] = file.write(&out)?;
        Ok::<(), io::Error>(())
    };
    let origins = |used: &[u32], of: fn(&Table, u32) -> &Origin| -> Vec<Vec<u8>> {
        used.iter().map(|origin| origin_record(table, of(table, *origin))).collect()
    };
    let resources = origins(&used.resources, |table, id| table.resources.get(id));
    let scopes = origins(&used.scopes, |table, id| table.scopes.get(id));
    let shapes: Vec<Vec<u8>> = plan.shapes.iter().map(|columns| shape_record(columns)).collect();
    let texts = || plan.dictionary.iter().map(|text| table.texts.get(*text));
    write(Name::Dictionary, &mut |packer, out| {
        put_pages(packer, texts(), out);
    })?;
    let records = [(Name::Resources, &resources), (Name::Scopes, &scopes), (Name::Shapes, &shapes)];
    for (name, records) in records {
        write(name, &mut |packer, out| {
            put_pages(packer, records.iter().map(Vec::as_slice), out);
        })?;
    }
    let columns = columns_record(table, plan);
    write(Name::Columns, &mut |packer, out| {
        packer.pack(&columns, out);
    })?;
    let operations = operations_record(table, order);
    write(Name::Operations, &mut |packer, out| {
        packer.pack(&operations, out);
    })?;
    let ids = index(table, order);
    let entries: Vec<u64> = ids.iter().map(|(id, _)| id_entry(*id)).collect();
    write(Name::Ids, &mut |packer, out| {
        put_ids(packer, ids.clone(), out);
    })?;
    write(Name::IdFilter, &mut |packer, out| {
        put_filter(packer, entries.clone(), out);
    })?;
    let mut pairs = Some(pairs);
    write(Name::PairFilter, &mut |packer, out| {
        put_filter(packer, pairs.take().unwrap_or_default(), out);
    })?;
    Ok(places)
}

/// Returns a resource or a scope as a record.
fn origin_record(table: &Table, origin: &Origin) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, u64::from(origin.dropped_attributes_count));
    for text in [origin.name, origin.version, origin.schema_url, origin.residual] {
        put_text(&mut out, table.texts.get(text));
    }
    let (fields, words) = table.fields(origin.attributes);
    let attributes = fields.iter().map(|f| (table.texts.get(f.key), f.value(&table.texts, words)));
    put_listing(attributes, &mut out);
    out
}

fn shape_record(columns: &[u32]) -> Vec<u8> {
    let mut out = Vec::new();
    columns.iter().for_each(|column| put_varint(&mut out, u64::from(*column)));
    out
}

fn columns_record(table: &Table, plan: &Plan) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, plan.columns.len() as u64);
    for column in &plan.columns {
        out.extend([column.owner as u8, column.kind as u8]);
        put_text(&mut out, table.texts.get(column.key));
    }
    out
}

/// Returns service, operation, kind and the number of spans, for each that there is.
fn operations_record(table: &Table, order: &Order) -> Vec<u8> {
    let mut uses: hashbrown::HashMap<(u32, u32, SpanKind), u64, foldhash::fast::RandomState> =
        hashbrown::HashMap::default();
    for row in &order.rows {
        let line = &table.spans[*row as usize];
        *uses.entry((line.resource, line.name, line.kind)).or_default() += 1;
    }
    let mut operations: BTreeMap<(&str, &str, SpanKind), u64> = BTreeMap::new();
    for ((resource, name, kind), count) in uses {
        let operation = naming::operation_of(table.texts.get(name));
        *operations.entry((service(table, resource), operation, kind)).or_default() += count;
    }
    let mut out = Vec::new();
    put_varint(&mut out, operations.len() as u64);
    for ((service, operation, kind), count) in operations {
        put_text(&mut out, service.as_bytes());
        put_text(&mut out, operation.as_bytes());
        out.push(kind as u8);
        put_varint(&mut out, count);
    }
    out
}

/// Returns each trace and the group it begins in.
fn index(table: &Table, order: &Order) -> Vec<(TraceId, u32)> {
    let mut ids = Vec::with_capacity(order.traces.len());
    for (group, run) in order.groups.iter().enumerate().filter(|(_, run)| !run.continues) {
        let traces = &order.traces[run.trace_first..run.trace_first + run.trace_count];
        ids.extend(traces.iter().map(|trace| (table.traces[trace.trace as usize].id, group as u32)));
    }
    ids
}
