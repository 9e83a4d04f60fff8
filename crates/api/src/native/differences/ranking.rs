//! Two groups of spans, counted by their values, and how far the values lie apart.

use std::collections::BTreeMap;

use insight::{Portion, contrast};
use query::Field;
use store::{Durations, Figures, Label, Measured};

use super::super::figures::{durations_of, kind_word};
use crate::json::JsonWriter;

/// The most values of an attribute that are listed.
const LISTED_MAX: usize = 8;

/// What was counted of both.
pub(super) struct Counted {
    pub(super) selected: Group,
    pub(super) rest: Group,
}

/// One group.
pub(super) struct Group {
    spans: u64,
    errors: u64,
    durations: Durations,
    /// Spans by value, for each field; `None` where it has too many values.
    values: Vec<Option<BTreeMap<Label, u64>>>,
}

/// The fields that differ, the widest apart first, and those that have too many values to say.
pub(super) struct Ranked<'a> {
    pub(super) differing: Vec<Differing<'a>>,
    pub(super) too_many: Vec<&'a Field>,
}

/// A field whose values, or whose presence, lie apart.
pub(super) struct Differing<'a> {
    field: &'a Field,
    score: f64,
    has: [u64; 2],
    values: Vec<Value<'a>>,
}

struct Value<'a> {
    label: &'a Label,
    counts: [u64; 2],
    difference: f64,
}

impl Group {
    /// Returns the group of everything measured. The first panel has durations, the others values.
    pub(super) fn of(measured: &Measured) -> Self {
        Self::without(measured, &Measured::default())
    }

    /// Returns the group of everything measured less a part of it.
    pub(super) fn without(all: &Measured, part: &Measured) -> Self {
        let mut durations = Durations::default();
        let part_durations = part.panels.first().map(durations_in).unwrap_or_default();
        for (bucket, count) in all.panels.first().map(durations_in).unwrap_or_default().iter() {
            durations.add_many(bucket, count.saturating_sub(part_durations.get(bucket)));
        }
        let values = all.panels.iter().skip(1).enumerate().map(|(at, figures)| {
            let mut counts = counts_of(figures)?;
            let Some(part) = part.panels.get(at + 1) else { return Some(counts) };
            for (label, taken) in counts_of(part)? {
                counts.entry(label).and_modify(|count| *count = count.saturating_sub(taken));
            }
            counts.retain(|_, count| *count != 0);
            Some(counts)
        });
        Self {
            spans: all.spans.saturating_sub(part.spans),
            errors: all.errors.saturating_sub(part.errors),
            durations,
            values: values.collect(),
        }
    }

    pub(super) fn write(&self, json: &mut JsonWriter) {
        json.begin_object();
        for (key, number) in [
            ("spans", self.spans),
            ("errors", self.errors),
            ("p50Ns", self.durations.quantile(0.5).0),
            ("p95Ns", self.durations.quantile(0.95).0),
            ("p99Ns", self.durations.quantile(0.99).0),
        ] {
            json.key(key);
            json.unsigned(number);
        }
        json.end_object();
    }
}

impl<'a> Ranked<'a> {
    pub(super) fn of(fields: &'a [Field], counted: &'a Counted) -> Self {
        let mut ranked = Self { differing: Vec::new(), too_many: Vec::new() };
        let pairs = counted.selected.values.iter().zip(&counted.rest.values);
        for (field, values) in fields.iter().zip(pairs) {
            match values {
                (Some(selected), Some(rest)) => {
                    ranked.differing.extend(Differing::of(field, counted, selected, rest));
                }
                _ => ranked.too_many.push(field),
            }
        }
        // The sort is stable: fields that lie equally far apart keep their order.
        ranked.differing.sort_by(|a, b| b.score.total_cmp(&a.score));
        ranked
    }
}

impl<'a> Differing<'a> {
    fn of(
        field: &'a Field,
        counted: &Counted,
        selected: &'a BTreeMap<Label, u64>,
        rest: &'a BTreeMap<Label, u64>,
    ) -> Option<Self> {
        let apart = |counts: [u64; 2]| {
            contrast(
                Portion { part: counts[0], of: counted.selected.spans },
                Portion { part: counts[1], of: counted.rest.spans },
            )
        };
        let labels = selected.keys().chain(rest.keys().filter(|label| !selected.contains_key(*label)));
        let mut values: Vec<Value<'_>> = labels
            .filter_map(|label| {
                let count = |group: &BTreeMap<Label, u64>| group.get(label).copied().unwrap_or_default();
                let counts = [count(selected), count(rest)];
                Some(Value { label, counts, difference: apart(counts)? })
            })
            .collect();
        values.sort_by(|a, b| b.difference.abs().total_cmp(&a.difference.abs()));
        let has = [selected.values().sum(), rest.values().sum()];
        let widest = values.first().map(|value| value.difference.abs());
        let score = widest.into_iter().chain(apart(has).map(f64::abs)).max_by(f64::total_cmp)?;
        values.truncate(LISTED_MAX);
        Some(Self { field, score, has, values })
    }

    pub(super) fn write(&self, json: &mut JsonWriter) {
        json.begin_object();
        json.key("key");
        json.text(&self.field.to_string());
        json.key("score");
        json.double(self.score);
        json.key("has");
        write_pair(json, self.has);
        json.key("values");
        json.begin_array();
        for Value { label, counts, difference } in &self.values {
            json.begin_object();
            json.key("text");
            json.text(&label.text);
            json.key("type");
            json.text(kind_word(label.kind));
            json.key("counts");
            write_pair(json, *counts);
            json.key("difference");
            json.double(*difference);
            json.end_object();
        }
        json.end_array();
        json.end_object();
    }
}

fn write_pair(json: &mut JsonWriter, [selected, rest]: [u64; 2]) {
    json.begin_array();
    json.unsigned(selected);
    json.unsigned(rest);
    json.end_array();
}

fn durations_in(figures: &Figures) -> Durations {
    durations_of(figures.cells.iter().map(|cell| &cell.cell))
}

/// Returns the spans by value, where all were told apart.
fn counts_of(figures: &Figures) -> Option<BTreeMap<Label, u64>> {
    let told_apart = figures.others.spans == 0;
    told_apart.then(|| figures.cells.iter().map(|cell| (cell.labels[0].clone(), cell.cell.spans)).collect())
}
