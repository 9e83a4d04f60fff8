//! A group under tests: which of its rows each lets through.
//!
//! Tests look at distinct values first and at rows only if one of those is wanted.

use std::cell::OnceCell;
use std::sync::Arc;

use span::{DurationNanos, StatusCode};

use super::failure::Failure;
use super::group::Group;
use super::layout::{Owner, SHAPE_OVERFLOW, fixed};
use super::listing::take_listing;
use super::predicate::{AttributeTest, Test, TextTest, ValueTest};
use crate::column::ints::{sortable, unsortable};
use crate::column::log::{bucket, bucket_least};
use crate::column::{Ints, Take, TextAt};
use crate::needle::Needle;
use crate::value_kind::ValueKind;

/// The rows that a test lets through.
pub(super) enum Rows {
    None,
    All,
    Some(Vec<bool>),
}

/// A group and what several tests need of it.
pub(super) struct View<'a> {
    pub(super) group: Group<'a>,
    shapes: [OnceCell<Arc<Ints>>; 3],
    event_rows: OnceCell<Vec<u32>>,
    link_rows: OnceCell<Vec<u32>>,
}

impl Rows {
    pub(super) fn of(wanted: Option<Vec<bool>>) -> Self {
        match wanted {
            Some(rows) if rows.contains(&true) => Self::Some(rows),
            _ => Self::None,
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::All, rows) | (rows, Self::All) => rows,
            (Self::Some(mut rows), Self::Some(others)) => {
                rows.iter_mut().zip(others).for_each(|(row, other)| *row &= other);
                Self::of(Some(rows))
            }
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::None, rows) | (rows, Self::None) => rows,
            (Self::Some(mut rows), Self::Some(others)) => {
                rows.iter_mut().zip(others).for_each(|(row, other)| *row |= other);
                Self::Some(rows)
            }
        }
    }

    fn not(self) -> Self {
        match self {
            Self::None => Self::All,
            Self::All => Self::None,
            Self::Some(rows) => Self::of(Some(rows.into_iter().map(|row| !row).collect())),
        }
    }

    pub(super) fn any(&self, range: std::ops::Range<usize>) -> bool {
        match self {
            Self::None => false,
            Self::All => !range.is_empty(),
            Self::Some(rows) => rows[range].contains(&true),
        }
    }
}

/// Returns the rows whose number is accepted; the distinct ones are asked where they are known.
fn rows_where(numbers: &Ints, accepts: impl Fn(u64) -> bool) -> Rows {
    if let Some(number) = numbers.one() {
        return if accepts(number) { Rows::All } else { Rows::None };
    }
    Rows::of(numbers_where(numbers, accepts))
}

fn numbers_where(numbers: &Ints, accepts: impl Fn(u64) -> bool) -> Option<Vec<bool>> {
    let none = numbers.dictionary().is_some_and(|(values, _)| !values.iter().any(|value| accepts(*value)));
    (!none).then(|| numbers.select(accepts))
}

/// Tells by their buckets which rows lie between two durations, and in which places it must be looked
/// closer. Buckets of durations count from zero.
fn rows_by_bucket(buckets: &[u8], least: u64, most: u64, left: &Rows) -> (Vec<bool>, Vec<usize>) {
    let (first, last) = (bucket(least), bucket(most));
    let (first_is_open, last_is_open) = (bucket_least(first) != least, most != u64::MAX);
    let is_open = |other: u8| (first_is_open && other == first) || (last_is_open && other == last);
    let mut rows: Vec<bool> = buckets.iter().map(|other| first <= *other && *other <= last).collect();
    if let Rows::Some(left) = left {
        rows.iter_mut().zip(left).for_each(|(row, left)| *row &= left);
    }
    let open = (0..rows.len()).filter(|at| rows[*at] && is_open(buckets[*at])).collect();
    (rows, open)
}

impl<'a> View<'a> {
    pub(super) fn of(group: Group<'a>) -> Self {
        Self { group, shapes: Default::default(), event_rows: OnceCell::new(), link_rows: OnceCell::new() }
    }

    /// Returns the rows that a test lets through. What it says of rows that are not `left` does not matter.
    pub(super) fn test(&self, test: &mut Test, left: &Rows) -> Result<Rows, Failure> {
        let count = self.group.rows();
        match test {
            Test::Never => Ok(Rows::None),
            Test::Number(column, wanted) => {
                Ok(rows_where(&*self.group.ints(*column, count)?, |number| number == *wanted))
            }
            Test::Numbers(column, wanted) => Ok(rows_where(&*self.group.ints(*column, count)?, |number| {
                usize::try_from(number).is_ok_and(|number| wanted.get(number) == Some(&true))
            })),
            Test::Text(column, test) => {
                let texts = self.group.texts(*column, count)?;
                let wanted = test.codes(self.group.segment, &texts)?;
                Ok(Rows::of(wanted.map(|wanted| texts.select(&wanted))))
            }
            Test::Duration(least, most) => self.durations(*least, *most, left),
            Test::Failed(wanted, tests) => self.failed(*wanted, tests),
            Test::EventName(test) => self.event_name(test),
            Test::Attribute(test) => self.attribute(test),
            Test::Any(tests) => {
                let mut rows = Rows::None;
                for test in tests {
                    rows = rows.or(self.test(test, left)?);
                }
                Ok(rows)
            }
            Test::Not(test) => Ok(self.test(test, left)?.not()),
        }
    }

    fn durations(&self, least: DurationNanos, most: DurationNanos, left: &Rows) -> Result<Rows, Failure> {
        let count = self.group.rows();
        let backwards = self.group.ints(fixed::BACKWARDS, count)?;
        let column = self.group.column(fixed::DURATION);
        let (shortest, longest) = column.map_or((0, 0), |column| {
            (column.extent.least, column.extent.least.saturating_add(column.extent.spread))
        });
        // A span that ended before it began took no time.
        if backwards.one() == Some(0) && (longest < least.0 || most.0 < shortest) {
            return Ok(Rows::None);
        }
        let within = |duration| least.0 <= duration && duration <= most.0;
        if backwards.one() == Some(0) {
            let Some(buckets) = column.map(|column| self.group.buckets_of(column)).transpose()?.flatten()
            else {
                return Ok(rows_where(&*self.group.ints(fixed::DURATION, count)?, within));
            };
            if buckets.len() != count {
                return Err(self.group.misfit(fixed::DURATION));
            }
            let (mut rows, open) = rows_by_bucket(&buckets, least.0, most.0, left);
            if !open.is_empty() {
                self.group
                    .ints(fixed::DURATION, count)?
                    .at(&open, |at, duration| rows[at] = within(duration));
            }
            return Ok(Rows::of(Some(rows)));
        }
        let durations = self.group.ints(fixed::DURATION, count)?;
        let all = durations.all().into_iter().zip(backwards.all());
        Ok(Rows::of(Some(all.map(|(duration, back)| within(if back == 0 { duration } else { 0 })).collect())))
    }

    /// Finds the spans that failed, or those that did not, as [`store::failed`] has it.
    fn failed(&self, wanted: bool, tests: &mut [ValueTest]) -> Result<Rows, Failure> {
        let count = self.group.rows();
        let error = StatusCode::Error as u64;
        let statuses = self.group.ints(fixed::STATUS, count)?;
        let here = |test: &&mut ValueTest| self.group.column(test.column + fixed::ATTRIBUTES).is_some();
        let overflow = self.group.column(fixed::SPAN_OVERFLOW).is_some();
        // A column without values (of empty ones) says nothing but hides what was said before it.
        if !overflow && !tests.iter_mut().any(|test| here(&test)) {
            return Ok(rows_where(&statuses, |status| (status == error) == wanted));
        }
        let mut failed: Vec<bool> = statuses.all().into_iter().map(|status| status == error).collect();
        let shapes = self.shapes(Owner::Span)?;
        let mut said: Vec<(u32, Vec<bool>, usize)> = Vec::new();
        for test in tests.iter_mut() {
            said.push((test.column, self.truths(test)?, 0));
        }
        for (row, shape) in shapes.iter().enumerate() {
            let columns = self.group.segment.shape(*shape)?;
            let last = columns.iter().rev().find(|column| said.iter().any(|(other, _, _)| other == *column));
            for (test, (column, truths, at)) in tests.iter().zip(&mut said) {
                *at += uses(test, *shape);
                if last == Some(column) && test.kind != ValueKind::Empty {
                    let truth = at.checked_sub(1).and_then(|at| truths.get(at));
                    failed[row] |= truth.ok_or_else(|| self.group.misfit(*column + fixed::ATTRIBUTES))?;
                }
            }
        }
        self.each_listing(Owner::Span, |_, row, attributes| {
            let last = attributes.iter().rev().find(|(key, _)| *key == b"error");
            failed[row] |= last.is_some_and(|(_, value)| match value {
                span::ValueRef::Bool(on) => *on,
                span::ValueRef::Str(word) => word.eq_ignore_ascii_case(b"true"),
                _ => false,
            });
        })?;
        Ok(Rows::of(Some(failed.into_iter().map(|failed| failed == wanted).collect())))
    }

    /// Tells of each value of an `error` column whether it says that the span failed.
    fn truths(&self, test: &mut ValueTest) -> Result<Vec<bool>, Failure> {
        let Some(column) = self.group.column(test.column + fixed::ATTRIBUTES) else { return Ok(Vec::new()) };
        match (&mut test.texts, test.kind) {
            (Some(wanted), _) => {
                let texts = self.group.texts_of(column)?;
                let codes = wanted.codes(self.group.segment, &texts)?;
                Ok((0..texts.len())
                    .map(|at| codes.as_ref().is_some_and(|codes| codes[texts.code(at)]))
                    .collect())
            }
            (None, ValueKind::Bool) => {
                Ok(self.group.ints_of(column)?.all().iter().map(|bits| *bits != 0).collect())
            }
            (None, _) => Ok(vec![false; column.extent.count as usize]),
        }
    }

    fn event_name(&self, test: &mut TextTest) -> Result<Rows, Failure> {
        let rows = self.owner_rows(Owner::Event)?;
        if rows.is_empty() {
            return Ok(Rows::None);
        }
        let texts = self.group.texts(fixed::EVENT_NAME, rows.len())?;
        let Some(wanted) = test.codes(self.group.segment, &texts)? else { return Ok(Rows::None) };
        let mut found = vec![false; self.group.rows()];
        for (at, row) in rows.iter().enumerate() {
            found[*row as usize] |= wanted[texts.code(at)];
        }
        Ok(Rows::of(Some(found)))
    }

    fn attribute(&self, test: &mut AttributeTest) -> Result<Rows, Failure> {
        let count = self.group.rows();
        let mut rows = Rows::None;
        for (column, wanted) in [(fixed::RESOURCE, &test.resources), (fixed::SCOPE, &test.scopes)] {
            if wanted.contains(&true) {
                rows = rows.or(rows_where(&*self.group.ints(column, count)?, |number| {
                    usize::try_from(number).is_ok_and(|number| wanted.get(number) == Some(&true))
                }));
            }
        }
        let mut found = vec![false; count];
        let needle = test.needle.clone();
        for test in &mut test.columns {
            self.values(test, &needle, &mut found)?;
        }
        for owner in &test.overflow {
            self.each_listing(*owner, |_, row, attributes| found[row] |= test.accepts(attributes))?;
        }
        Ok(rows.or(Rows::of(Some(found))))
    }

    /// Marks the rows that have a wanted value in a column.
    fn values(&self, test: &mut ValueTest, needle: &Needle, found: &mut [bool]) -> Result<(), Failure> {
        let wanted: Option<Vec<bool>> = if test.kind == ValueKind::Empty || matches!(needle, Needle::Any) {
            None
        } else {
            let Some(column) = self.group.column(test.column + fixed::ATTRIBUTES) else { return Ok(()) };
            let wanted = match &mut test.texts {
                Some(wanted) => {
                    let texts = self.group.texts_of(column)?;
                    let codes = wanted.codes(self.group.segment, &texts)?;
                    codes.map(|codes| texts.select(&codes))
                }
                None => self.numbers(test.kind, column, needle)?,
            };
            if wanted.is_none() {
                return Ok(());
            }
            wanted
        };
        let rows = self.owner_rows(test.owner)?;
        let mut at = 0;
        let all = self.shape_numbers(test.owner)?.select(|shape| uses(test, shape) as u32);
        for (owner, uses) in all.into_iter().enumerate().filter(|(_, uses)| *uses != 0) {
            let uses = uses as usize;
            let hit = match &wanted {
                Some(wanted) => wanted
                    .get(at..at + uses)
                    .ok_or_else(|| self.group.misfit(test.column + fixed::ATTRIBUTES))?
                    .contains(&true),
                None => true,
            };
            at += uses;
            if hit {
                found[if test.owner == Owner::Span { owner } else { rows[owner] as usize }] = true;
            }
        }
        Ok(())
    }

    fn numbers(
        &self,
        kind: ValueKind,
        column: &super::layout::ColumnLine,
        needle: &Needle,
    ) -> Result<Option<Vec<bool>>, Failure> {
        let extent = &column.extent;
        if let Some(text) = needle.text() {
            let bits = text.bits(kind);
            let stored = bits.map(|bits| if kind == ValueKind::Double { sortable(bits) } else { bits });
            let many = kind == ValueKind::Double && text.as_str() == "NaN";
            if !many && stored.is_none_or(|bits| extent.spread < bits.wrapping_sub(extent.least)) {
                return Ok(None);
            }
        } else {
            let (least, most) = (extent.least, extent.least.wrapping_add(extent.spread));
            let bits = |stored| if kind == ValueKind::Double { unsortable(stored) } else { stored };
            if !needle.may_lie(kind, bits(least), bits(most)) {
                return Ok(None);
            }
        }
        let numbers = self.group.ints_of(column)?;
        let equals = |bits| match kind {
            ValueKind::Double => needle.equals_bits(kind, unsortable(bits)),
            _ => needle.equals_bits(kind, bits),
        };
        if let Some(number) = numbers.one() {
            return Ok(equals(number).then(|| vec![true; numbers.len()]));
        }
        Ok(numbers_where(&numbers, equals).filter(|wanted| wanted.contains(&true)))
    }

    /// Returns the shapes of all owners of a sort.
    fn shapes(&self, owner: Owner) -> Result<Vec<u64>, Failure> {
        Ok(self.shape_numbers(owner)?.all())
    }

    pub(super) fn shape_numbers(&self, owner: Owner) -> Result<&Ints, Failure> {
        let kept = &self.shapes[owner as usize];
        if let Some(shapes) = kept.get() {
            return Ok(shapes);
        }
        let (column, count) = match owner {
            Owner::Span => (fixed::SHAPE, self.group.rows()),
            Owner::Event => (fixed::EVENT_SHAPE, self.owner_rows(owner)?.len()),
            Owner::Link => (fixed::LINK_SHAPE, self.owner_rows(owner)?.len()),
        };
        let shapes = self.group.ints(column, count)?;
        Ok(kept.get_or_init(|| shapes))
    }

    /// Returns the row of each event, or of each link; nothing for spans, which are rows themselves.
    pub(super) fn owner_rows(&self, owner: Owner) -> Result<&[u32], Failure> {
        let (kept, column) = match owner {
            Owner::Span => return Ok(&[]),
            Owner::Event => (&self.event_rows, fixed::EVENT_COUNT),
            Owner::Link => (&self.link_rows, fixed::LINK_COUNT),
        };
        if let Some(rows) = kept.get() {
            return Ok(rows);
        }
        let counts = self.group.ints(column, self.group.rows())?.all();
        if (1 << 26) < counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count)) {
            return Err(self.group.misfit(column));
        }
        let mut rows = Vec::new();
        for (row, count) in counts.into_iter().enumerate() {
            rows.resize(rows.len() + count as usize, row as u32);
        }
        Ok(kept.get_or_init(|| rows))
    }

    /// Visits the attributes of owners that have no shape, each with its place among all owners and its row.
    pub(super) fn each_listing(
        &self,
        owner: Owner,
        mut look: impl FnMut(usize, usize, &[(&[u8], span::ValueRef<'_>)]),
    ) -> Result<(), Failure> {
        let number = match owner {
            Owner::Span => fixed::SPAN_OVERFLOW,
            Owner::Event => fixed::EVENT_OVERFLOW,
            Owner::Link => fixed::LINK_OVERFLOW,
        };
        let Some(column) = self.group.column(number) else { return Ok(()) };
        let texts = self.group.texts_of(column)?;
        let rows = self.owner_rows(owner)?;
        let shapes = self.shapes(owner)?.into_iter().enumerate();
        let owners = shapes.filter(|(_, shape)| *shape == u64::from(SHAPE_OVERFLOW)).map(|(owner, _)| owner);
        for (at, this) in owners.enumerate() {
            let row = if owner == Owner::Span { this } else { rows[this] as usize };
            let listing = match texts.len() <= at {
                true => return Err(self.group.misfit(number)),
                false => texts.get(texts.code(at)),
            };
            let TextAt::Own(listing) = listing else { return Err(self.group.misfit(number)) };
            let attributes = take_listing(&mut Take::new(listing)).map_err(|_| self.group.misfit(number))?;
            look(this, row, &attributes);
        }
        Ok(())
    }
}

/// Returns how many values of a column an owner of the shape has.
fn uses(test: &ValueTest, shape: u64) -> usize {
    let uses = usize::try_from(shape).ok().and_then(|shape| test.uses.get(shape));
    uses.map_or(0, |uses| *uses as usize)
}
