//! Reads every block of a segment, and says what those that are broken may cost.

use span::{TraceId, UnixNanos};

use super::failure::Failure;
use super::group::Group;
use super::layout::Table;
use super::reader::Segment;
use crate::column::block::Unpacker;

/// A part of a segment that cannot be read.
#[derive(Clone, Debug)]
pub(crate) struct Flaw {
    /// Which part, and what is wrong.
    pub(crate) what: String,
    /// How many spans it may cost.
    pub(crate) spans: u64,
    /// Between which starts they lie.
    pub(crate) starts: (UnixNanos, UnixNanos),
    /// Of which traces they are, where that can be read.
    pub(crate) traces: Vec<TraceId>,
}

impl Segment {
    /// Reads everything; returns one flaw for each group of rows and each table that is broken.
    pub(crate) fn verify(&self) -> Vec<Flaw> {
        let mut flaws: Vec<Flaw> = TABLES.iter().filter_map(|table| self.verify_table(*table)).collect();
        flaws.extend((0..self.footer.groups.len()).filter_map(|number| self.verify_group(number)));
        flaws
    }

    fn verify_table(&self, table: Table) -> Option<Flaw> {
        let texts = |pages: Result<&super::pages::Pages, Failure>| {
            let pages = pages?;
            (0..pages.len()).try_for_each(|number| self.text_of(pages, number).map(|_| ()))
        };
        let read = match table {
            Table::Dictionary => texts(self.dictionary()),
            Table::Resources => texts(self.resources()),
            Table::Scopes => texts(self.scopes()),
            Table::Shapes => self.shapes().map(|_| ()),
            Table::Columns => self.names().map(|_| ()),
            Table::Operations => self.operations().map(|_| ()),
            Table::Ids => self.ids().map(|_| ()),
            Table::IdFilter => self.may_hold(TraceId::from_halves(0, 1)).map(|_| ()),
            Table::PairFilter => self.pair_filter().map(|_| ()),
            Table::RunFilters => self.run_filters().map(|_| ()),
        };
        let failure = read.err()?;
        let bounds = self.footer.bounds;
        Some(Flaw {
            what: format!("the table of {}: {}", Table::NAMES[table as usize], self.tell(failure)),
            // What only saves work costs nothing.
            spans: if table == Table::RunFilters { 0 } else { bounds.spans },
            starts: (bounds.start_min, bounds.start_max),
            traces: Vec::new(),
        })
    }

    fn verify_group(&self, number: usize) -> Option<Flaw> {
        let line = &self.footer.groups[number];
        let (broken, traces) = match Group::sparse(self, number) {
            Err(failure) => (vec![self.tell(failure).to_string()], Vec::new()),
            Ok(group) => {
                let traces = group.traces().map(|traces| traces.ids).unwrap_or_default();
                (self.broken_columns(&group), traces)
            }
        };
        let first = broken.first()?;
        Some(Flaw {
            what: match broken.len() {
                1 => format!("rows {number}: {first}"),
                count => format!("rows {number}: {first}, and {} more columns", count - 1),
            },
            spans: u64::from(line.rows),
            starts: (line.start_min, line.start_max),
            traces,
        })
    }

    fn broken_columns(&self, group: &Group<'_>) -> Vec<String> {
        let mut unpacker = Unpacker::new();
        let mut broken = Vec::new();
        for column in group.columns() {
            let read = group.blocks(column).and_then(|blocks| {
                for block in blocks.both() {
                    if !block.is_empty() {
                        unpacker.unpack(block).map_err(|broken| (broken, group.place_of(column)))?;
                    }
                }
                Ok(())
            });
            broken.extend(read.err().map(|failure| self.tell(failure).to_string()));
        }
        broken
    }
}

const TABLES: [Table; 10] = [
    Table::Dictionary,
    Table::Resources,
    Table::Scopes,
    Table::Shapes,
    Table::Columns,
    Table::Operations,
    Table::Ids,
    Table::IdFilter,
    Table::PairFilter,
    Table::RunFilters,
];
