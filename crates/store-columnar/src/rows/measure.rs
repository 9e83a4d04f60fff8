//! Figures over the head: row by row, with what rows have in common looked up once.

use std::collections::BTreeMap;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use span::{StatusCode, ValueRef, naming};
use store::{Dimension, Label, LabelKind, Measure, NameTally, Panel, Search, StoreError, Tally, Within};

use super::interner::TextId;
use super::matches::{Test, failed};
use super::read::service;
use super::table::{Attributes, SpanLine, Table};
use super::{ROWS_PER_HOLD, RowsSnapshot};

/// Counts what a measure asks for.
pub(super) fn measure(
    snapshot: &RowsSnapshot,
    measure: &Measure,
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let mut labels = Labels::default();
    each_accepted(snapshot, &measure.search, |table, line, error| {
        let errors = u64::from(failed(table, line, error));
        tally.count(1, errors);
        tally.add_trace(table.traces[line.trace as usize].id);
        for (number, Panel { by, steps, durations }) in measure.panels.iter().enumerate() {
            let Some(step) = steps.map_or(Some(0), |steps| steps.of(line.start)) else { continue };
            let all: Option<Vec<u32>> =
                by.iter().map(|dimension| labels.of(table, line, errors != 0, dimension, tally)).collect();
            let Some(all) = all else { continue };
            let cell = tally.cell(number, &all, step);
            cell.spans += 1;
            cell.errors += errors;
            if *durations {
                let duration = line.end.since(line.start);
                cell.durations.add(duration);
                if errors != 0 {
                    cell.error_durations.add(duration);
                }
            }
        }
    })
}

/// Counts the attributes of the rows that a search accepts: rows of one shape are alike.
pub(super) fn names(
    snapshot: &RowsSnapshot,
    search: &Search,
    names: &mut NameTally,
) -> Result<(), StoreError> {
    // Of each place: the shape, and how many rows have it.
    let mut shapes: HashMap<(Within, u32), u64, RandomState> = HashMap::default();
    let mut nested: HashMap<(Within, TextId), (Vec<LabelKind>, u64), RandomState> = HashMap::default();
    each_accepted(snapshot, search, |table, line, _| {
        let resource = table.resources.get(line.resource).attributes.shape;
        let scope = table.scopes.get(line.scope).attributes.shape;
        let own = line.attributes.shape;
        for place in [(Within::Span, own), (Within::Resource, resource), (Within::Scope, scope)] {
            *shapes.entry(place).or_default() += 1;
        }
        if line.nested == 0 {
            return;
        }
        let events = table.events_of(line).iter().map(|event| (Within::Event, event.attributes.shape));
        let links = table.links_of(line).iter().map(|link| (Within::Link, link.attributes.shape));
        let mut seen = HashSet::<_, RandomState>::default();
        for (within, shape) in events.chain(links) {
            for field in table.shapes.fields(shape) {
                let (kinds, rows) = nested.entry((within, field.key)).or_default();
                let kind = field.kind.label();
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
                *rows += u64::from(seen.insert((within, field.key)));
            }
        }
    })?;
    let (table, _) = snapshot.table();
    for ((within, shape), rows) in shapes {
        let mut keys: BTreeMap<TextId, Vec<LabelKind>> = BTreeMap::new();
        for field in table.shapes.fields(shape) {
            keys.entry(field.key).or_default().push(field.kind.label());
        }
        for (key, kinds) in keys {
            names.note(within, table.texts.get(key), kinds, rows);
        }
    }
    for ((within, key), (kinds, rows)) in nested {
        names.note(within, table.texts.get(key), kinds, rows);
    }
    Ok(())
}

/// Visits the rows that a search accepts, with the key `error` if any row has it.
fn each_accepted(
    snapshot: &RowsSnapshot,
    search: &Search,
    mut visit: impl FnMut(&Table, &SpanLine, Option<TextId>),
) -> Result<(), StoreError> {
    let (mut tests, first) = {
        let (table, _) = snapshot.table();
        let tests: Vec<Test> =
            search.filter.all.iter().map(|predicate| Test::new(&table, predicate)).collect();
        (tests, table.row_after(search.arrived_after) as usize)
    };
    let window = search.start_min..=search.start_max;
    let count = snapshot.watermark as usize;
    for from in (first..count.max(first)).step_by(ROWS_PER_HOLD) {
        search.stop.check()?;
        let (table, _) = snapshot.table();
        let error = table.texts.find(b"error");
        for line in &table.spans[from..count.min(from + ROWS_PER_HOLD)] {
            if window.contains(&line.start) && tests.iter_mut().all(|test| test.accepts(&table, line)) {
                visit(&table, line, error);
            }
        }
    }
    Ok(())
}

/// Numbers of labels in a tally, by what they were made from.
#[derive(Default)]
struct Labels {
    services: HashMap<u32, u32, RandomState>,
    names: HashMap<TextId, u32, RandomState>,
}

impl Labels {
    /// Returns the number of a row's label; `None` where it has none.
    fn of(
        &mut self,
        table: &Table,
        line: &SpanLine,
        failed: bool,
        dimension: &Dimension,
        tally: &mut Tally,
    ) -> Option<u32> {
        Some(match dimension {
            Dimension::Service => *self
                .services
                .entry(line.resource)
                .or_insert_with(|| tally.label(Label::text(service(table, line.resource)))),
            Dimension::Name => *self.names.entry(line.name).or_insert_with(|| {
                tally.label(Label::text(naming::operation_of(table.texts.get(line.name))))
            }),
            Dimension::Kind => tally.label(Label::of_kind(line.kind)),
            Dimension::Status if failed => tally.label(Label::of_status(StatusCode::Error)),
            Dimension::Status => tally.label(Label::of_status(line.status_code)),
            Dimension::Attribute { within, key } => {
                tally.label(Label::of_value(value_of(table, line, *within, key.as_bytes())?))
            }
        })
    }
}

/// Returns the value that counts, as [`store::Measure`] has it.
fn value_of<'a>(table: &'a Table, line: &SpanLine, within: Within, key: &[u8]) -> Option<ValueRef<'a>> {
    let key = table.texts.find(key)?;
    let last = |attributes: Attributes| {
        let (fields, words) = table.fields(attributes);
        let field = fields.iter().rev().find(|field| field.key == key)?;
        Some(field.value(&table.texts, words))
    };
    let of = |looked_at: bool, attributes: Attributes| if looked_at { last(attributes) } else { None };
    of(within.spans(), line.attributes)
        .or_else(|| of(within.resources(), table.resources.get(line.resource).attributes))
        .or_else(|| of(within.scopes(), table.scopes.get(line.scope).attributes))
        .or_else(|| table.events_of(line).iter().find_map(|event| of(within.events(), event.attributes)))
        .or_else(|| table.links_of(line).iter().find_map(|link| of(within.links(), link.attributes)))
}
