//! What the rows of a group have in common, as codes: one small number per row for each value of a dimension.
//!
//! A value becomes a label of the tally once per distinct value of a group, and texts of the dictionary once per
//! slice; rows only ever hold codes.

use std::cell::RefCell;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use span::{SpanKind, StatusCode, ValueRef, naming};
use store::{Dimension, Label, Tally, Within};

use super::failure::Failure;
use super::layout::{Owner, Table, fixed};
use super::reader::Segment;
use super::view::View;
use crate::column::ints::unsortable;
use crate::column::{TextAt, Texts};
use crate::value_kind::ValueKind;

/// The code of a row without a value.
pub(super) const NO_CODE: u32 = u32::MAX;

/// A dimension over the rows of a group.
pub(super) struct Coded {
    /// One for each row.
    pub(super) codes: Vec<u32>,
    /// By code: the label's number in the tally.
    pub(super) labels: Vec<u32>,
}

/// A dimension made ready for one segment.
pub(super) struct Coder {
    dimension: Dimension,
    /// By number of the resource, or of the scope: its label, where it has the value.
    resources: Vec<Option<Label>>,
    scopes: Vec<Option<Label>>,
    /// The columns that have the attribute.
    columns: Vec<Column>,
    /// Labels of the dictionary's texts, by column's kind and number of the text.
    texts: HashMap<(ValueKind, u32), u32, RandomState>,
}

/// An attribute column, and what each shape says of it.
struct Column {
    number: u32,
    owner: Owner,
    kind: ValueKind,
    /// By shape on disk: how many values its owner has here, and whether the last value of the key is here.
    uses: Vec<(u32, bool)>,
}

/// Codes being given out: dense, in order of appearance.
#[derive(Default)]
struct Codes {
    labels: Vec<u32>,
    by_label: HashMap<u32, u32, RandomState>,
}

impl Codes {
    fn of(&mut self, label: u32) -> u32 {
        let fresh = self.labels.len() as u32;
        let code = *self.by_label.entry(label).or_insert(fresh);
        if code == fresh {
            self.labels.push(label);
        }
        code
    }
}

impl Coder {
    pub(super) fn of(segment: &Segment, dimension: &Dimension) -> Result<Self, Failure> {
        let mut coder = Self {
            dimension: dimension.clone(),
            resources: Vec::new(),
            scopes: Vec::new(),
            columns: Vec::new(),
            texts: HashMap::default(),
        };
        match dimension {
            Dimension::Service => {
                coder.resources = segment.services()?.iter().map(|name| Some(Label::text(name))).collect();
            }
            Dimension::Attribute { within, key } => {
                let key = key.as_bytes();
                if within.resources() {
                    coder.resources = labels_of(segment, Table::Resources, key)?;
                }
                if within.scopes() {
                    coder.scopes = labels_of(segment, Table::Scopes, key)?;
                }
                coder.columns = columns_of(segment, *within, key)?;
            }
            Dimension::Name | Dimension::Kind | Dimension::Status => {}
        }
        Ok(coder)
    }

    /// Codes the rows of a group. `failed` tells of each row whether it failed.
    pub(super) fn code(
        &mut self,
        view: &View<'_>,
        failed: &[bool],
        tally: &mut Tally,
    ) -> Result<Coded, Failure> {
        let count = view.group.rows();
        let codes = RefCell::new(Codes::default());
        let tally = RefCell::new(tally);
        let code = |label: Label| codes.borrow_mut().of(tally.borrow_mut().label(label));
        let rows = match &self.dimension {
            Dimension::Name => {
                let texts = view.group.texts(fixed::NAME, count)?;
                self.code_texts(
                    view.group.segment,
                    &texts,
                    ValueKind::Str,
                    &mut codes.borrow_mut(),
                    &mut tally.borrow_mut(),
                    |name| Label::text(naming::operation_of(name)),
                )?
            }
            Dimension::Kind => view
                .group
                .ints(fixed::KIND, count)?
                .select(|number| code(Label::of_kind(SpanKind::from_number(number).unwrap_or_default()))),
            Dimension::Status => {
                let error = code(Label::of_status(StatusCode::Error));
                let statuses = view.group.ints(fixed::STATUS, count)?;
                let mut rows = statuses.select(|number| {
                    code(Label::of_status(StatusCode::from_number(number).unwrap_or_default()))
                });
                rows.iter_mut().zip(failed).filter(|(_, failed)| **failed).for_each(|(row, _)| *row = error);
                rows
            }
            Dimension::Service => {
                let origin = |number: u64| {
                    let label = usize::try_from(number).ok().and_then(|number| self.resources.get(number));
                    label.and_then(Option::as_ref).map_or(NO_CODE, |label| code(label.clone()))
                };
                view.group.ints(fixed::RESOURCE, count)?.select(origin)
            }
            Dimension::Attribute { .. } => {
                return self.code_attribute(view, tally.into_inner());
            }
        };
        Ok(Coded { codes: rows, labels: codes.into_inner().labels })
    }

    /// Codes the rows by an attribute: the span's own value, else its resource's, its scope's, an event's, a link's.
    fn code_attribute(&mut self, view: &View<'_>, tally: &mut Tally) -> Result<Coded, Failure> {
        let count = view.group.rows();
        let mut codes = Codes::default();
        let mut rows = vec![NO_CODE; count];
        self.code_owners(view, Owner::Span, &mut rows, &mut codes, tally)?;
        for (column, labels) in [(fixed::RESOURCE, &self.resources), (fixed::SCOPE, &self.scopes)] {
            if labels.iter().all(Option::is_none) {
                continue;
            }
            let numbers: Vec<u32> = labels
                .iter()
                .map(|label| label.as_ref().map_or(NO_CODE, |label| codes.of(tally.label(label.clone()))))
                .collect();
            let of_row = view.group.ints(column, count)?.select(|number| {
                usize::try_from(number)
                    .ok()
                    .and_then(|number| numbers.get(number))
                    .copied()
                    .unwrap_or(NO_CODE)
            });
            let empty = rows.iter_mut().zip(of_row).filter(|(row, _)| **row == NO_CODE);
            empty.for_each(|(row, code)| *row = code);
        }
        self.code_owners(view, Owner::Event, &mut rows, &mut codes, tally)?;
        self.code_owners(view, Owner::Link, &mut rows, &mut codes, tally)?;
        Ok(Coded { codes: rows, labels: codes.labels })
    }

    /// Codes the rows that have no code yet by the values of one sort of owners.
    fn code_owners(
        &mut self,
        view: &View<'_>,
        owner: Owner,
        rows: &mut [u32],
        codes: &mut Codes,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let Dimension::Attribute { within, key } = self.dimension.clone() else { return Ok(()) };
        let looked_at = match owner {
            Owner::Span => within.spans(),
            Owner::Event => within.events(),
            Owner::Link => within.links(),
        };
        if !looked_at {
            return Ok(());
        }
        let columns = std::mem::take(&mut self.columns);
        let mut found: Vec<(usize, u32)> = Vec::new();
        for column in columns.iter().filter(|column| column.owner == owner) {
            found.extend(self.values(view, column, codes, tally)?);
        }
        self.columns = columns;
        view.each_listing(owner, |this, _, attributes| {
            if let Some((_, value)) = attributes.iter().rev().find(|(at, _)| *at == key.as_bytes()) {
                found.push((this, codes.of(tally.label(Label::of_value(*value)))));
            }
        })?;
        let row_of = view.owner_rows(owner)?;
        // Of events and links the first that has it counts.
        found.sort_unstable_by_key(|(owner, _)| *owner);
        for (this, code) in found {
            let row = &mut rows[if owner == Owner::Span { this } else { row_of[this] as usize }];
            if *row == NO_CODE {
                *row = code;
            }
        }
        Ok(())
    }

    /// Returns the owners whose last value of the key is in a column, each with its code.
    fn values(
        &mut self,
        view: &View<'_>,
        column: &Column,
        codes: &mut Codes,
        tally: &mut Tally,
    ) -> Result<Vec<(usize, u32)>, Failure> {
        let number = column.number + fixed::ATTRIBUTES;
        let values = match (view.group.column(number), column.kind) {
            // Such a column has no values: that an owner has it is all that is known.
            (_, ValueKind::Empty) => Vec::new(),
            (None, _) => return Ok(Vec::new()),
            (Some(line), kind) if kind.is_text() => {
                let texts = view.group.texts_of(line)?;
                self.code_texts(view.group.segment, &texts, kind, codes, tally, |text| {
                    Label::of_value(kind.of_text(text))
                })?
            }
            (Some(line), kind) => {
                let bits = |stored| if kind == ValueKind::Double { unsortable(stored) } else { stored };
                let given = RefCell::new((&mut *codes, &mut *tally));
                view.group.ints_of(line)?.select(|stored| {
                    let (codes, tally) = &mut *given.borrow_mut();
                    codes.of(tally.label(Label::of_value(kind.of_bits(bits(stored)))))
                })
            }
        };
        let empty = match column.kind {
            ValueKind::Empty => Some(codes.of(tally.label(Label::of_value(ValueRef::Empty)))),
            _ => None,
        };
        let all = view.shape_numbers(column.owner)?.select(|shape| column.uses_of(shape));
        let (mut at, mut found) = (0, Vec::new());
        for (owner, (uses, is_last)) in all.into_iter().enumerate().filter(|(_, (uses, _))| *uses != 0) {
            at += uses as usize;
            if is_last {
                let code = empty.or_else(|| values.get(at - 1).copied());
                found.push((owner, code.ok_or_else(|| view.group.misfit(number))?));
            }
        }
        Ok(found)
    }

    /// Codes each value of a column of texts.
    fn code_texts(
        &mut self,
        segment: &Segment,
        texts: &Texts,
        kind: ValueKind,
        codes: &mut Codes,
        tally: &mut Tally,
        label: impl Fn(&[u8]) -> Label,
    ) -> Result<Vec<u32>, Failure> {
        let mut of_code = Vec::with_capacity(texts.distinct());
        for code in 0..texts.distinct() {
            let number = match texts.get(code) {
                TextAt::Own(text) => tally.label(label(text)),
                TextAt::Dictionary(number) => match self.texts.get(&(kind, number)) {
                    Some(known) => *known,
                    None => {
                        let (page, at) = segment.text_of(segment.dictionary()?, number)?;
                        let known = tally.label(label(page.get(at)));
                        self.texts.insert((kind, number), known);
                        known
                    }
                },
            };
            of_code.push(codes.of(number));
        }
        if of_code.is_empty() {
            // A column that is not there is all empty texts.
            of_code.push(codes.of(tally.label(label(b""))));
        }
        Ok(texts.select(&of_code))
    }
}

impl Column {
    fn uses_of(&self, shape: u64) -> (u32, bool) {
        usize::try_from(shape).ok().and_then(|shape| self.uses.get(shape)).copied().unwrap_or_default()
    }
}

/// Returns of each resource or scope the label of a key's value.
fn labels_of(segment: &Segment, table: Table, key: &[u8]) -> Result<Vec<Option<Label>>, Failure> {
    let pages = if matches!(table, Table::Resources) { segment.resources()? } else { segment.scopes()? };
    let mut all = Vec::with_capacity(pages.len() as usize);
    for number in 0..pages.len() {
        let (page, at) = segment.text_of(pages, number)?;
        let record = segment.origin(page.get(at), table)?;
        let last: Option<&(&[u8], ValueRef<'_>)> = record.attributes.iter().rev().find(|(at, _)| *at == key);
        all.push(last.map(|(_, value)| Label::of_value(*value)));
    }
    Ok(all)
}

/// Returns the columns of a key, with what each shape says of them.
fn columns_of(segment: &Segment, within: Within, key: &[u8]) -> Result<Vec<Column>, Failure> {
    let names = segment.names()?;
    let looked_at = |owner| match owner {
        Owner::Span => within.spans(),
        Owner::Event => within.events(),
        Owner::Link => within.links(),
    };
    let mut columns: Vec<Column> = Vec::new();
    for (number, name) in names.iter().enumerate() {
        if *name.key == *key && looked_at(name.owner) {
            let uses = vec![(0, false); super::layout::SHAPE_FIRST as usize];
            columns.push(Column { number: number as u32, owner: name.owner, kind: name.kind, uses });
        }
    }
    for shape in segment.shapes()? {
        // An owner's columns are all its own, so the last of these is the last of its key.
        let last = shape.iter().rev().find(|number| columns.iter().any(|column| column.number == **number));
        for column in &mut columns {
            let uses = shape.iter().filter(|number| **number == column.number).count() as u32;
            column.uses.push((uses, last == Some(&column.number)));
        }
    }
    Ok(columns)
}
